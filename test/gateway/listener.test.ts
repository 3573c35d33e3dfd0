import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { createDevelopmentCertificates, readCertificate } from '../../src/certs/index.ts'
import { encodeBinaryFrame } from '../../src/client/websocket-frames.ts'
import type { GatewayOptions } from '../../src/gateway/index.ts'
import { Secret } from '../../src/lib/index.ts'
import { encodeTunnelCreate } from '../../src/protocol/index.ts'
import { createTrustList } from '../../src/tokens/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { hex } from '../helpers/hex.ts'
import { requests } from '../helpers/packet-client.ts'
import { proxyHeader } from '../helpers/proxy-header.ts'
import { CLOSE_MS } from '../helpers/raw-tls.ts'
import { startNode, type TestNode } from './support/test-node.ts'

const LOCAL = hex('0d0a0d0a000d0a515549540a 20 00 0000')
const UPGRADE = [
  'RDG_OUT_DATA /remoteDesktopGateway/ HTTP/1.1',
  'Host: localhost',
  'RDG-Connection-Id: {11111111-2222-3333-4444-555555555555}',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  '\r\n',
].join('\r\n')
const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'

const toClose: (() => unknown)[] = []

afterEach(async () => {
  await Promise.all(toClose.splice(0).map((close) => close()))
})

type Listener = GatewayOptions['listeners'][number]

async function start(listener: Partial<Listener>, options: Partial<GatewayOptions> = {}) {
  const address = { host: '127.0.0.1', port: 0 }
  const node = await startNode({ listeners: [{ address, ...listener }], ...options })
  toClose.push(() => node.gateway.close())
  return node
}

function connect({ port }: TestNode, localAddress = '127.0.0.1', localPort = 0): Socket {
  const socket = connectTcp({ host: '127.0.0.1', port, localAddress, localPort })
  socket.on('error', () => {})
  toClose.push(() => socket.destroy())
  return socket
}

/** First line of the answer, over TLS behind what was sent in the clear; nothing when it is closed first. */
async function ask(node: TestNode, socket: Socket, request: string): Promise<string> {
  const secured = connectTls({ socket, ca: node.ca, servername: 'localhost' })
  secured.on('error', () => {})
  secured.write(request)
  return firstLine(secured)
}

async function firstLine(socket: Socket): Promise<string> {
  let received = ''
  socket.on('data', (bytes) => {
    received += bytes.toString('latin1')
  })
  await eventually('an answer', () => received.includes('\r\n') || socket.destroyed, {
    intervalMs: 5,
  })
  return received.split('\r\n')[0] ?? ''
}

const BEHIND_BALANCER: Partial<Listener> = { proxy: 'required', from: ['127.0.0.0/8'] }
const PLAIN: Partial<Listener> = { ...BEHIND_BALANCER, tls: false }

test('serves a client that comes from the port of a connection that was just reset', async () => {
  const node = await start({})
  const first = connect(node)
  const secured = connectTls({ socket: first, ca: node.ca, servername: 'localhost' })
  secured.on('error', () => {})
  await once(secured, 'secureConnect')
  const { localPort = 0 } = first
  first.resetAndDestroy()
  // In the same turn: the node accepts it before it has seen the end of the first.
  expect(await ask(node, connect(node, '127.0.0.1', localPort), HEALTH)).toContain('200')
})

test('takes the client that the balancer names, in front of TLS', async () => {
  const node = await start(BEHIND_BALANCER)
  const socket = connect(node)
  socket.write(proxyHeader({ source: '2001:db8::7', tlvs: hex('04000400000000') }))
  expect(await ask(node, socket, `nonsense\r\n\r\n`)).toContain('400')
  expect(node.logged('connection.refused')).toMatchObject([{ remoteAddress: '2001:db8::7' }])
})

test('serves the same without TLS behind a balancer that ends it', async () => {
  const node = await start(PLAIN)
  const socket = connect(node)
  socket.write(Buffer.concat([proxyHeader({ source: '::ffff:192.0.2.7' }), Buffer.from(UPGRADE)]))
  expect(await firstLine(socket)).toContain('101')
  socket.destroy()
  const byteByByte = connect(node)
  for (const byte of Buffer.concat([proxyHeader(), Buffer.from(HEALTH)])) {
    byteByByte.write(Buffer.of(byte))
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(await firstLine(byteByByte)).toContain('200')
})

test('refuses a spoofed header from elsewhere before it reads a byte', async () => {
  const node = await start({ ...BEHIND_BALANCER, from: ['127.0.0.1', '192.0.2.0/24'] })
  const socket = connect(node, '127.0.0.2')
  socket.write(proxyHeader({ source: '127.0.0.1' }))
  expect(await ask(node, socket, HEALTH)).toBe('')
  expect(node.logged('connection.refused')).toMatchObject([
    { remoteAddress: '127.0.0.2', error: 'PROXY: the peer is no balancer of this listener' },
  ])
})

test('refuses a balancer that sends no header, another version, or nothing in time', async () => {
  const node = await start(BEHIND_BALANCER, { limits: { proxyHeaderTimeoutMs: 2_000 } })
  expect(await ask(node, connect(node), HEALTH)).toBe('')
  const versionOne = connect(node)
  versionOne.write('PROXY TCP4 192.0.2.7 192.0.2.10 40000 443\r\n')
  await once(versionOne, 'close')
  const began = performance.now()
  const silent = connect(node)
  silent.write(proxyHeader().subarray(0, 20))
  await once(silent, 'close')
  expect(performance.now() - began).toBeGreaterThan(1_000)
  expect(node.logged('connection.refused').map(({ error }) => error)).toEqual([
    'PROXY.signature: is not that of version 2',
    'PROXY.signature: is not that of version 2',
    'PROXY: nothing whole within 2000 ms',
  ])
})

test('a header where none is asked for is no TLS', async () => {
  const node = await start({})
  const socket = connect(node)
  socket.write(proxyHeader())
  await once(socket, 'close')
  expect(node.logged('connection.failed')).toMatchObject([{ remoteAddress: '127.0.0.1' }])
})

test.for(['', '160301 0200 01'])(
  'a FIN within the TLS handshake ends it at once: "%s"',
  async (sent) => {
    const socket = connect(await start({})).resume()
    socket.end(hex(sent))
    await eventually('its end', () => socket.closed, { timeoutMs: CLOSE_MS, intervalMs: 5 })
  },
)

test('answers health checks of a balancer, and binds no token to its address', async () => {
  const node = await start(BEHIND_BALANCER)
  const healthy = connect(node)
  healthy.write(LOCAL)
  expect(await ask(node, healthy, HEALTH)).toContain('200')
  const tunnel = connect(node)
  tunnel.write(LOCAL)
  expect(await ask(node, tunnel, UPGRADE)).toContain('403')
  expect(node.logged('connection.refused')).toMatchObject([{ remoteAddress: '127.0.0.1' }])
})

test('a balancer without the header is no client, unless tokens are bound to nobody', async () => {
  const hidden = await start({ from: ['127.0.0.1'] })
  expect(await ask(hidden, connect(hidden), UPGRADE)).toContain('403')
  expect(await ask(hidden, connect(hidden, '127.0.0.2'), UPGRADE)).toContain('101')
  const unbound = await start({ from: ['127.0.0.1'] }, { clientBinding: 'none' })
  expect(await ask(unbound, connect(unbound), UPGRADE)).toContain('101')
})

test('counts connections by the client that the balancer names', async () => {
  const node = await start(PLAIN, { limits: { maxConnectionsPerAddress: 1 } })
  const open = (source: string): Socket => {
    const socket = connect(node)
    socket.write(Buffer.concat([proxyHeader({ source }), Buffer.from(HEALTH)]))
    return socket
  }
  const held = connect(node)
  held.write(Buffer.concat([proxyHeader({ source: '192.0.2.7' }), Buffer.from(UPGRADE)]))
  expect(await firstLine(held)).toContain('101')
  expect(await firstLine(open('192.0.2.8'))).toContain('200')
  expect(await firstLine(open('192.0.2.7'))).toBe('')
  held.destroy()
  await eventually('place', async () => (await firstLine(open('192.0.2.7'))).includes('200'))
})

test('strangers with bad tokens fill the log with so many lines', async () => {
  const bad = { capsFlags: 0, paaCookie: new Secret('no token') }
  const opening = Buffer.concat([
    proxyHeader({ source: '192.0.2.7' }),
    Buffer.from(UPGRADE),
    encodeBinaryFrame(requests.handshake()),
    encodeBinaryFrame(encodeTunnelCreate(bad)),
  ])
  const node = await start(PLAIN, {
    clock: { now: () => Date.UTC(2030, 0, 1) },
    limits: { maxHalfOpenPerAddress: 2_000, maxConnectionsPerAddress: 2_000 },
  })
  const refused = () => node.logged('token.refused')
  for (let count = 50; count <= 1_050; count += 50) {
    for (let opened = 0; opened < 50; opened++) connect(node).write(opening)
    await eventually('refusals', () => refused().length === count, { intervalMs: 5 })
  }
  expect(refused().filter(({ level }) => level === 'warn')).toHaveLength(1_000)
}, 30_000)

test('connections of others than the balancers fill the log with so many lines', async () => {
  const node = await start(
    { ...PLAIN, from: ['192.0.2.0/24'] },
    { clock: { now: () => Date.UTC(2030, 0, 1) } },
  )
  const refused = () => node.logged('connection.refused')
  for (let count = 50; count <= 1_050; count += 50) {
    for (let opened = 0; opened < 50; opened++) connect(node)
    await eventually('refusals', () => refused().length === count, { intervalMs: 5 })
  }
  expect(refused().filter(({ level }) => level === 'warn')).toHaveLength(1_000)
}, 30_000)

test('takes another certificate for new connections, and keeps the old one for a broken', async () => {
  const node = await start({})
  const thumbprint = async (): Promise<string> => {
    const socket = connectTls({ port: node.port, host: '127.0.0.1', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const { fingerprint256 } = socket.getPeerCertificate()
    socket.destroy()
    return fingerprint256
  }
  const live = connectTls({ port: node.port, ca: node.ca, servername: 'localhost' })
  toClose.push(() => live.destroy())
  await once(live, 'secureConnect')
  const old = await thumbprint()
  const { gatewayTls, portalTls } = await createDevelopmentCertificates({
    farmName: 'testfarm',
    names: ['localhost'],
    gateways: ['gw1'],
    now: new Date(),
  })
  if (gatewayTls.gw1 === undefined) throw new TypeError('no certificate for gw1')
  const mixed = { ...gatewayTls.gw1, privateKeyPem: portalTls.privateKeyPem }
  expect(() => node.gateway.replaceCertificate(mixed)).toThrow()
  expect(await thumbprint()).toBe(old)
  node.gateway.replaceCertificate(gatewayTls.gw1)
  expect(await thumbprint()).not.toBe(old)
  live.write(HEALTH)
  expect(await firstLine(live)).toContain('200')
})

test('a node without issuers is not ready until it is given some, and says so', async () => {
  const node = await start(PLAIN, { trust: createTrustList([], Date.now()) })
  const readiness = async (): Promise<string> => {
    const socket = connect(node)
    socket.write(Buffer.concat([LOCAL, Buffer.from(HEALTH.replace('healthz', 'readyz'))]))
    return firstLine(socket)
  }
  expect(await readiness()).toContain('503')
  const certificate = readCertificate(node.trustedIssuer.certificatePem)
  node.gateway.replaceTrust(createTrustList([{ certificate, purpose: 'gateway' }], Date.now()))
  expect(await readiness()).toContain('200')
  expect(node.logged('node.state')).toMatchObject([{ state: 'degraded' }, { state: 'ready' }])
})
