import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DEFAULT_HTTPS_LIMITS, type HttpsLimits } from '../src/cli/https-server.ts'
import { DEFAULT_METRICS_LIMITS, type MetricsLimits } from '../src/cli/metrics-server.ts'
import { type ControlLimits, DEFAULT_CONTROL_LIMITS } from '../src/control/index.ts'
import * as demoHostLimits from '../src/demo/host/limits.ts'
import { DEFAULT_LIMITS, type Limits } from '../src/gateway/index.ts'

/** `file: title` of a test that goes past the limit. */
type Proof = string

const CONNECTIONS = 'conformance/limits/connections.test.ts'
const SET_UP = 'conformance/limits/set-up.test.ts'
const SESSION = 'conformance/limits/session.test.ts'
const LIFECYCLE = 'gateway/lifecycle.test.ts'
const CONTROL_SERVER = 'control/server.test.ts'
const CONTROL_CLIENT = 'control/client.test.ts'
const HTTPS = 'cli/https-server.test.ts'
const METRICS = 'cli/metrics-server.test.ts'
const SCREEN = 'demo/host/screen.test.ts'
const DEMO_HOST = 'conformance/demo-host.test.ts'

/** Which test goes past which limit. A new limit needs a line here, and a test that stands behind it. */
const GATEWAY: Record<keyof Limits, Proof> = {
  maxConnections: `${CONNECTIONS}: past all connections the one that waits longest in silence makes room, at once`,
  maxConnectionsPerAddress: `${CONNECTIONS}: past the connections of one address it is closed at once, another is served`,
  requestHeadTimeoutMs: `${CONNECTIONS}: a head that is not whole in time gets 408, though a byte of it comes all the time`,
  firstByteTimeoutMs: `${CONNECTIONS}: no byte of a head in time: 408`,
  proxyHeaderTimeoutMs: `${CONNECTIONS}: a PROXY header that is not whole in time closes the connection`,
  maxHalfOpen: `${CONNECTIONS}: past %s OUT and WebSocket get 503 at once`,
  maxHalfOpenPerAddress: `${CONNECTIONS}: past %s OUT and WebSocket get 503 at once`,
  pairingTimeoutMs: `${CONNECTIONS}: OUT without IN is closed when its time is over, and its place is free`,
  inBeforeOutMs: `${CONNECTIONS}: IN without OUT gets 404 when its moment is over`,
  tunnelTimeoutMs: `${SET_UP}: a tunnel that is not asked for in time: TUNNEL_RESPONSE, over %s`,
  channelTimeoutMs: `${SET_UP}: a channel that is not asked for in time, over %s`,
  maxTunnels: `${SET_UP}: past %s: TUNNEL_RESPONSE E_PROXY_MAXCONNECTIONSREACHED`,
  maxTunnelsPerAddress: `${SET_UP}: past %s: TUNNEL_RESPONSE E_PROXY_MAXCONNECTIONSREACHED`,
  dialTimeoutMs: `${SET_UP}: a host that does not answer in time, over %s`,
  maxCookieCharacters: `${SET_UP}: a cookie that is too long: TUNNEL_RESPONSE E_PROXY_COOKIE_BADPACKET`,
  maxDialAttempts: 'gateway/dial.test.ts: gives up after as many addresses as are allowed',
  firstBytesTimeoutMs: `${SESSION}: first bytes that do not come in time: CLOSE_CHANNEL, over %s`,
  idleMinuteMs:
    'conformance/session-limits.test.ts: 75. %s limit, a client that %4$s: CLOSE_CHANNEL, close, and a worthless token',
  sessionSecondMs:
    'conformance/session-limits.test.ts: 75. DATA of the client does not put the session limit off',
  keepAliveMs: `${LIFECYCLE}: sends KEEPALIVE in silence over %s, and never as an answer`,
  maxQueuedPackets: `${SET_UP}: packets that pile up before they are asked for, over %s`,
  maxQueuedBytes: `${SESSION}: more bytes than may wait for a host: the end at once, over %s`,
  maxMessageBacklogBytes: `${SESSION}: a message to a client that takes nothing is left out, over %s`,
  slowPeerTimeoutMs: `${SESSION}: a client that takes nothing, over %s`,
  closeTimeoutMs: `${CONNECTIONS}: a client that does not close its half after the answer is cut off`,
}

const CONTROL: Record<keyof ControlLimits, Proof> = {
  heartbeatMs: `${CONTROL_CLIENT}: heartbeats list all tunnels, in parts when they are many`,
  silenceMs: `${CONTROL_SERVER}: a peer that falls silent is dropped, and the broker hears that it has left`,
  handshakeMs: `${CONTROL_SERVER}: a connection that begins no TLS, or asks for nothing after it, is closed`,
  welcomeMs: `${CONTROL_SERVER}: a peer that never says hello is dropped`,
  redeemMs: `${CONTROL_CLIENT}: a broker that hangs is given up after the limit, one that is not there at once`,
  closeMs: `${CONTROL_SERVER}: a peer that does not answer the close is cut off`,
  redialMs: 'control/backoff.test.ts: the pause doubles with every failure up to its bound',
  maxRedialMs: 'control/backoff.test.ts: the pause doubles with every failure up to its bound',
  maxConnections: `${CONTROL_SERVER}: past all connections a newcomer is closed at once, and gets in when there is room`,
  maxInFlight: `${CONTROL_SERVER}: past the work in flight a peer waits, and loses nothing`,
  maxQueuedBytes: `${CONTROL_SERVER}: a peer that takes nothing is dropped at the limit`,
  maxPendingRedeems: 'control/pending-redeems.test.ts: past the limit a redeem fails at once',
  maxQueuedEvents: `${CONTROL_CLIENT}: events wait for the broker, the oldest give way`,
}

const BROKER: Record<keyof HttpsLimits, Proof> = {
  handshakeMs: `${HTTPS}: closes a connection that begins no TLS`,
  headersMs: `${HTTPS}: closes a connection on which no request comes`,
  requestMs: `${HTTPS}: answers 408 to a request whose body does not come to its end`,
  keepAliveMs: `${HTTPS}: closes a connection between two requests when its time is over`,
  inactiveMs: `${HTTPS}: closes a connection whose client asks and asks, and takes no answer`,
  checkEveryMs: `${HTTPS}: closes a connection on which no request comes`,
  closeGraceMs: `${HTTPS}: lets a running request finish when it closes, but not for ever`,
  maxConnections: `${HTTPS}: closes connections past their number at once, and takes others when there is room`,
}

const COLLECTORS: Record<keyof MetricsLimits, Proof> = {
  maxConnections: `${METRICS}: closes connections past their number at once, and serves again when there is room`,
  headersMs: `${METRICS}: closes a connection on which no request comes to its end`,
  inactiveMs: `${METRICS}: closes a connection on which nothing happens`,
  checkEveryMs: `${METRICS}: closes a connection on which no request comes to its end`,
}

const DEMO: Record<keyof typeof demoHostLimits, Proof> = {
  SET_UP_TIMEOUT_MS:
    'demo/host/demo-host.test.ts: a client that does not come to the end of its set-up in time is closed',
  MAX_VIEWERS: `${DEMO_HOST}: the 17th viewer is turned away, and let in when one has left`,
  MAX_REQUEST_BYTES: `${DEMO_HOST}: a TPKT over 1,024 bytes`,
  MAX_FRAME_BYTES: `${DEMO_HOST}: a frame over the limit`,
  MIN_DESKTOP: `${DEMO_HOST}: a desktop beyond the limits is brought inside of them`,
  MAX_DESKTOP: `${DEMO_HOST}: a desktop beyond the limits is brought inside of them`,
  FIRST_PICTURE_DELAY_MS: `${SCREEN}: says nothing for 200 ms, then logon notify, pointer and picture`,
  FLUSH_INTERVAL_MS: `${SCREEN}: collects keys for 40 ms`,
  PIXELS_PER_PAUSE_MS: `${SCREEN}: after a large picture the next one waits`,
  MAX_QUEUED_BYTES: `${SCREEN}: encodes nothing while a megabyte waits, and catches up later`,
  MAX_STALLED_TICKS: `${SCREEN}: a viewer that takes nothing for a minute is given up`,
  MAX_TYPED_CHARACTERS: 'demo/host/echo.test.ts: keeps the last 60 characters',
  CLOSE_TIMEOUT_MS: `${DEMO_HOST}: close does not wait for a client that hangs %s`,
}

test.each([
  ['a gateway node', DEFAULT_LIMITS, GATEWAY],
  ['the control channel', DEFAULT_CONTROL_LIMITS, CONTROL],
  ["the broker's listener", DEFAULT_HTTPS_LIMITS, BROKER],
  ['the listener for metrics', DEFAULT_METRICS_LIMITS, COLLECTORS],
  ['the demo host', demoHostLimits, DEMO],
])('every limit of %s has a test that goes past it', (_, limits, proofs: Record<string, Proof>) => {
  expect(Object.keys(proofs).sort()).toEqual(Object.keys(limits).sort())
  const missing = Object.entries(proofs).filter(([, proof]) => !exists(proof))
  expect(missing).toEqual([])
})

function exists(proof: Proof): boolean {
  const [, file = '', title = ''] = /^(\S+?): (.*)$/.exec(proof) ?? []
  return readFileSync(join(import.meta.dirname, file), 'utf8').includes(`'${title}'`)
}
