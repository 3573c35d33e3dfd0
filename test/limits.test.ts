import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { DEFAULT_HTTPS_LIMITS, type HttpsLimits } from '../src/cli/https-server.ts'
import { DEFAULT_METRICS_LIMITS, type MetricsLimits } from '../src/cli/metrics-server.ts'
import { type ControlLimits, DEFAULT_CONTROL_LIMITS } from '../src/control/index.ts'
import * as demoHostLimits from '../src/demo/host/limits.ts'
import { DEFAULT_LIMITS, type Limits } from '../src/gateway/index.ts'
import { DEFAULT_PROBE_LIMITS, type ProbeLimits } from '../src/gateway/probe/limits.ts'
import { type AgentLimits, DEFAULT_AGENT_LIMITS } from '../src/host-agent/index.ts'

/** `file: title` of a test that goes past the limit. */
type Proof = string

const CONNECTIONS = 'conformance/limits/connections.test.ts'
const SET_UP = 'conformance/limits/set-up.test.ts'
const SESSION = 'conformance/limits/session.test.ts'
const LAB = 'gateway/lab.test.ts'
const LIFECYCLE = 'gateway/lifecycle.test.ts'
const CONTROL_SERVER = 'control/server.test.ts'
const CONTROL_CLIENT = 'control/client.test.ts'
const HTTPS = 'cli/https-server.test.ts'
const METRICS = 'cli/metrics-server.test.ts'
const SCREEN = 'demo/host/screen.test.ts'
const PROBES = 'gateway/probe/probe-host.test.ts'
const HOST_AGENT = 'host-agent/host-agent.test.ts'
const DEMO_HOST = 'conformance/demo-host.test.ts'

/** Which test goes past which limit. A new limit needs a line here, and a test that stands behind it. */
const GATEWAY: Record<keyof Limits, Proof> = {
  maxConnections: `${CONNECTIONS}: past all connections the one that waits longest in silence makes room, at once`,
  maxConnectionsPerAddress: `${CONNECTIONS}: past the connections of one address those of it that are silent make room, at once`,
  requestHeadTimeoutMs: `${CONNECTIONS}: a head that is not whole in time gets 408, though a byte of it comes all the time`,
  firstByteTimeoutMs: `${CONNECTIONS}: no byte of a head in time: 408`,
  proxyHeaderTimeoutMs: `${CONNECTIONS}: a PROXY header that is not whole in time closes the connection`,
  maxHalfOpen: `${CONNECTIONS}: past all half-open connections the oldest gives way, over %s`,
  maxHalfOpenPerAddress: `${CONNECTIONS}: past the half-open connections of one address its oldest give way at once`,
  pairingTimeoutMs: `${CONNECTIONS}: OUT without IN is closed when its time is over, and its place is free`,
  inBeforeOutMs: `${CONNECTIONS}: IN without OUT gets 404 when its moment is over`,
  tunnelTimeoutMs: `${SET_UP}: a tunnel that is not asked for in time: TUNNEL_RESPONSE, over %s`,
  channelTimeoutMs: `${SET_UP}: a channel that is not asked for in time, over %s`,
  maxTunnels: `${SET_UP}: past %s: TUNNEL_RESPONSE E_PROXY_MAXCONNECTIONSREACHED`,
  maxTunnelsPerAddress: `${SET_UP}: past %s: TUNNEL_RESPONSE E_PROXY_MAXCONNECTIONSREACHED`,
  maxLabTunnels: `${LAB}: past the tunnels of a laboratory: TUNNEL_RESPONSE E_PROXY_MAXCONNECTIONSREACHED`,
  labSessionSeconds: `${LAB}: a session of the laboratory ends, whatever its token says`,
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
  maxConnections: `${CONTROL_SERVER}: past all connections a newcomer is closed at once while peers have them, and gets in when there is room`,
  maxInFlight: `${CONTROL_SERVER}: past the work in flight a peer waits, and loses nothing`,
  workBurst: `${CONTROL_SERVER}: past its allowance a peer waits and loses nothing, on its next connection too`,
  workPerSecond: `${CONTROL_SERVER}: past its allowance a peer waits and loses nothing, on its next connection too`,
  maxQueuedBytes: `${CONTROL_SERVER}: a peer that takes nothing is dropped at the limit`,
  maxPendingRedeems: 'control/pending-redeems.test.ts: past the limit a redeem fails at once',
  maxQueuedEvents: `${CONTROL_CLIENT}: events wait for the broker, the oldest give way`,
}

const AGENT: Record<keyof AgentLimits, Proof> = {
  maxConnections: `${HOST_AGENT}: past all connections a newcomer is closed at once, and served when there is room`,
  handshakeMs: `${HOST_AGENT}: a connection that begins no TLS is closed when its time is over`,
  openingMs: `${HOST_AGENT}: a client that says nothing, or half of it, is refused when its time is over`,
  dialMs: `${HOST_AGENT}: a console that does not answer in time is given up`,
  slowPeerMs: `${HOST_AGENT}: a console that takes nothing ends the session, within two periods`,
  closeMs: `${HOST_AGENT}: a client that does not close after the end is cut off`,
}

const PROBE: Record<keyof ProbeLimits, Proof> = {
  connectMs: `${PROBES}: and never answers a connect is unreachable in time`,
  answerMs: `${PROBES}: and %s is not-rdp`,
  neighbourMs: `${PROBES}: that says nothing on other ports either is not waited for`,
  namesMs: `${PROBES}: that hang or fail are not waited for, and say nothing`,
  totalMs: `${PROBES}: and takes longer than a probe may is unreachable`,
  maxAtOnce: 'gateway/probe/prober.test.ts: a few hosts at once, the others in the order of asking',
  maxWaiting: 'gateway/probe/prober.test.ts: no more hosts wait than may',
}

const BROKER: Record<keyof HttpsLimits, Proof> = {
  handshakeMs: `${HTTPS}: closes a connection that begins no TLS`,
  headersMs: `${HTTPS}: closes a connection on which no request comes`,
  requestMs: `${HTTPS}: answers 408 to a request whose body does not come to its end`,
  keepAliveMs: `${HTTPS}: closes a connection between two requests when its time is over`,
  inactiveMs: `${HTTPS}: closes a connection whose client asks and asks, and takes no answer`,
  checkEveryMs: `${HTTPS}: closes a connection on which no request comes`,
  closeGraceMs: `${HTTPS}: lets a running request finish when it closes, but not for ever`,
  maxConnections: `${HTTPS}: past their number a connection is closed at once while all others have asked, and served when one has its answer`,
}

const COLLECTORS: Record<keyof MetricsLimits, Proof> = {
  maxConnections: `${METRICS}: past their number the one that has said nothing for longest makes room`,
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

const HTTP1 = 'protocol/http1.test.ts'
const CHUNKED = 'protocol/chunked.test.ts'
const FRAMER = 'protocol/framer.test.ts'
const READER = 'gateway/transport/websocket-reader.test.ts'
const CODEC = 'control/codec.test.ts'

/** Constants `MAX_…` where bytes are read: sizes and counts of the wire formats. */
const CAPS: Record<string, Proof> = {
  'control/to-broker.ts MAX_BYTES_TO_BROKER': `${CONTROL_SERVER}: an oversized message closes the connection before it is read`,
  'control/to-node.ts MAX_BYTES_TO_NODE': `${CONTROL_CLIENT}: a message that is too long ends the connection, and nothing of it is applied`,
  'control/to-node.ts MAX_DRAIN_MESSAGE': `${CODEC}: a drain whose message has 501 characters`,
  'control/to-node.ts MAX_ISSUERS': `${CODEC}: more than 64 issuers`,
  'control/to-node.ts MAX_PROBED_HOSTS': `${CODEC}: more than 256 hosts to probe`,
  'control/to-node.ts MAX_REVOCATIONS': `${CODEC}: more than 20,000 revocations`,
  'control/to-broker.ts MAX_TUNNELS': `${CODEC}: too many tunnels`,
  'control/to-broker.ts MAX_USAGES': `${CODEC}: too many tunnels and what they use`,
  'control/broker-ledger.ts MAX_UNREPORTED':
    'control/broker-ledger.test.ts: an outage in which too many are admitted forgets the oldest',
  'gateway/control/session-events.ts MAX_CHARACTERS':
    'gateway/control/session-events.test.ts: long text is cut, and debug lines stay here',
  'host-agent/limits.ts MAX_REQUEST_BYTES':
    'host-agent/opening.test.ts: a request over 1,024 bytes is refused by its header alone',
  'host-agent/virsh.ts MAX_OUTPUT_BYTES': 'host-agent/virsh.test.ts: too much to say',
  'gateway/host-reader.ts MAX_BUFFERS': `${LIFECYCLE}: a client that reads nothing is held back, then ended, over %s`,
  'gateway/probe/host-answer.ts MAX_ANSWER_BYTES':
    'gateway/probe/host-answer.test.ts: an answer that is longer than any confirm is none, before it is waited for',
  'gateway/probe/names.ts MAX_NAMES':
    'gateway/probe/names.test.ts: of very many reverse names the first eight are looked at',
  'gateway/probe/shown.ts MAX_CHARACTERS':
    'gateway/probe/shown.test.ts: a text is cut to 256 characters, and not in half of one',
  'gateway/read-buffers.ts MAX_SPARE':
    'gateway/read-buffers.test.ts: keeps 256 of each size and no more',
  'gateway/relay/session-limits.ts MAX_TIMER_MS':
    'gateway/relay/session-limits.test.ts: a session may last longer than one timer can',
  'gateway/transport/websocket-reader.ts MAX_CONTROL_BYTES':
    'gateway/requests.test.ts: a PONG of 1024 bytes',
  'gateway/transport/websocket-reader.ts MAX_FRAGMENTS': `${READER}: a message without an end`,
  'gateway/transport/websocket-reader.ts MAX_MESSAGE_BYTES': `${READER}: fragments over 256 KiB together`,
  'protocol/chunked.ts MAX_CHUNK_BYTES': `${CHUNKED}: refuses sizes that are no size, before any data`,
  'protocol/chunked.ts MAX_SIZE_LINE_BYTES': `${CHUNKED}: refuses broken line ends and lines without an end`,
  'protocol/chunked.ts MAX_TRAILER_BYTES': `${CHUNKED}: refuses broken line ends and lines without an end`,
  'protocol/http1.ts MAX_HEAD_BYTES': `${HTTP1}: refuses a head that is too long or has too many fields, at once`,
  'protocol/http1.ts MAX_HEADERS': `${HTTP1}: refuses a head that is too long or has too many fields, at once`,
  'protocol/preconnection.ts MAX_PRECONNECTION_BYTES':
    'protocol/preconnection.test.ts: refuses sizes and versions that do not fit',
  'protocol/proxy-v2.ts MAX_PROXY_HEADER_BYTES':
    'protocol/proxy-v2.test.ts: takes 536 bytes and refuses 537',
  'protocol/tsgu/channel.ts MAX_ALT_RESOURCES':
    'protocol/tsgu.test.ts: refuses counts out of their bounds',
  'protocol/tsgu/channel.ts MAX_RESOURCES':
    'protocol/tsgu.test.ts: refuses counts out of their bounds',
  'protocol/tsgu/framer.ts MAX_UNKNOWN_PACKETS': `${FRAMER}: skips 16 packets of unknown type and refuses the 17th`,
  'protocol/tsgu/packet.ts MAX_DATA_PACKET_BYTES': `${FRAMER}: judges a length before it waits for the body`,
  'protocol/tsgu/packet.ts MAX_PACKET_BYTES': `${FRAMER}: judges a length before it waits for the body`,
}

/** No peer can go past these. */
const NO_CAPS: Record<string, string> = {
  'gateway/drain.ts MAX_DRAIN_MS': 'shortens the timer of an order that the broker bounds itself',
  'gateway/probe/probe-host.ts MAX_ADDRESSES': 'of names that the operator has written',
  'gateway/relay/first-bytes-rule.ts MAX_TERMINATORS': 'a rule of form, not of size',
  'gateway/transport/websocket-frames.ts MAX_LENGTH': 'of frames that we write',
  'gateway/transport/websocket-reader.ts MAX_HEADER_BYTES': 'sum of the fields of a header',
  'protocol/tsgu/data.ts MAX_DATA_BYTES': 'what a field of 16 bits can say',
  'protocol/x224.ts MAX_LENGTH_INDICATOR': 'of requests that we write',
}

const src = resolve(import.meta.dirname, '../src')
const ROOMS = ['protocol', 'gateway', 'control', 'host-agent']

test.each([
  ['a gateway node', DEFAULT_LIMITS, GATEWAY],
  ['the probes of a node', DEFAULT_PROBE_LIMITS, PROBE],
  ['the control channel', DEFAULT_CONTROL_LIMITS, CONTROL],
  ['a host agent', DEFAULT_AGENT_LIMITS, AGENT],
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

test('every MAX_ of the rooms that read bytes has a test that goes past it', () => {
  const found = ROOMS.flatMap((room) => capsIn(join(src, room)))
  expect([...Object.keys(CAPS), ...Object.keys(NO_CAPS)].sort()).toEqual(found.sort())
  expect(Object.entries(CAPS).filter(([, proof]) => !exists(proof))).toEqual([])
})

function capsIn(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name)
    if (statSync(path).isDirectory()) return capsIn(path)
    const matches = readFileSync(path, 'utf8').matchAll(/^(?:export )?const (MAX_\w+)\b/gm)
    return [...matches].map((match) => `${relative(src, path)} ${match[1]}`)
  })
}
