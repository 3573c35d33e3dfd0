import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { issueCertificate, readCertificate } from '../../src/certs/index.ts'
import { withDeadline } from '../../src/lib/index.ts'
import { eventually } from '../helpers/eventually.ts'
import {
  certificates,
  closeAll,
  foreignCertificates,
  pairOf,
  RawPeer,
  startServer,
  type TestServer,
  WITHIN_MS,
} from './support.ts'

afterEach(closeAll)

const soon = <T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> => eventually(what, probe, { timeoutMs: WITHIN_MS, intervalMs: 5 })

async function openWelcomed(endpoint: TestServer['endpoint'], name = 'gw1'): Promise<RawPeer> {
  const { gatewayControl } = await certificates()
  const peer = await RawPeer.open(endpoint, pairOf(gatewayControl, name))
  peer.hello()
  await soon('sets', () => peer.messages.some(({ type }) => type === 'revocations'))
  return peer
}

/** Whatever one peer did, the next is served. */
async function expectServing({ endpoint }: TestServer): Promise<void> {
  await openWelcomed(endpoint, 'gw2')
}

test('a node is welcomed and gets both sets, in this order', async () => {
  const { server, endpoint } = await startServer()
  const peer = await openWelcomed(endpoint)
  expect(peer.messages.map(({ type }) => type)).toEqual(['welcome', 'trust', 'revocations'])
  expect(peer.messages[0]).toMatchObject({ protocol: 1, broker: 'broker' })
  expect(server.peers()).toMatchObject([{ name: 'gw1', role: 'node', software: 'test' }])
})

test('a certificate of another authority gets no connection', async () => {
  const test = await startServer()
  const { gatewayControl } = await foreignCertificates()
  await expect(RawPeer.open(test.endpoint, pairOf(gatewayControl, 'gw1'))).rejects.toThrow()
  await soon('log', () => test.log.logged('control.refused').length > 0)
  await expectServing(test)
})

test('without a certificate there is no connection', async () => {
  const test = await startServer()
  const { controlAuthority } = await certificates()
  const socket = connect({ ...test.endpoint, ca: controlAuthority.certificatePem })
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.on('error', () => {})
  await closed
  await soon('log', () => test.log.logged('control.refused').length > 0)
  await expectServing(test)
})

test.each([
  ['of a broker', 'is of broker'],
  ['that names no peer', 'names no control peer'],
])('a certificate %s is refused', async (kind, error) => {
  const test = await startServer()
  const { brokerControl, controlAuthority } = await certificates()
  const plain = await issueCertificate({
    authority: controlAuthority,
    role: 'control',
    identity: { role: 'node', name: 'x' },
    commonName: 'plain',
    organization: 'Portcullis development',
    notBefore: new Date(),
    days: 1,
  })
  const identify = kind === 'of a broker' ? undefined : () => undefined
  const other = identify === undefined ? test : await startServer({ identify })
  const pair = identify === undefined ? brokerControl : plain
  await expect(RawPeer.open(other.endpoint, pair)).rejects.toThrow('403')
  expect(other.log.logged('control.refused')[0]?.error).toContain(error)
})

test('another path is refused', async () => {
  const test = await startServer()
  await expect(RawPeer.open(test.endpoint, undefined, '/')).rejects.toThrow('403')
  await expectServing(test)
})

test.each([
  ['malformed JSON', '{"type":'],
  ['an unknown type', { type: 'dance' }],
  ['a second hello', { type: 'hello', protocols: [1], software: 'test' }],
])('%s closes that connection alone', async (_, message) => {
  const test = await startServer()
  const other = await openWelcomed(test.endpoint, 'gw2')
  const peer = await openWelcomed(test.endpoint)
  peer.send(message)
  expect(await peer.closed()).toBe(1002)
  await soon('the other alone', () => test.server.peers().length === 1)
  expect(test.server.peers()).toMatchObject([{ name: 'gw2' }])
  other.send({ type: 'release', tunnel: 't' })
  await soon('release', () => test.broker.called('release').length === 1)
})

test('a binary frame closes the connection', async () => {
  const test = await startServer()
  const peer = await openWelcomed(test.endpoint)
  peer.socket.send(Buffer.from('{"type":"release","tunnel":"t"}'))
  expect(await peer.closed()).toBe(1002)
})

test('a message before hello closes the connection', async () => {
  const test = await startServer()
  const peer = await RawPeer.open(test.endpoint)
  peer.send({ type: 'release', tunnel: 't' })
  expect(await peer.closed()).toBe(1002)
  expect(test.broker.calls).toEqual([])
})

test('an oversized message closes the connection before it is read', async () => {
  const test = await startServer()
  const peer = await openWelcomed(test.endpoint)
  peer.send({ type: 'release', tunnel: 't', padding: 'x'.repeat(256 * 1024) })
  expect([1006, 1009]).toContain(await peer.closed())
  expect(test.broker.called('release')).toEqual([])
  await expectServing(test)
})

test('a peer that speaks no version of ours is told so', async () => {
  const test = await startServer()
  const peer = await RawPeer.open(test.endpoint)
  peer.hello([7, 8])
  expect(await peer.closed()).toBe(4000)
  await soon('log', () =>
    test.log.logged('control.disconnected').some(({ error }) => `${error}`.includes('offers 7,8')),
  )
})

test('of several versions the highest common one is chosen', async () => {
  const { endpoint } = await startServer()
  const peer = await RawPeer.open(endpoint)
  peer.hello([4, 2, 3, 1])
  await soon('welcome', () => peer.messages[0])
  expect(peer.messages[0]).toMatchObject({ type: 'welcome', protocol: 3 })
})

test('a node of version 1 is not sent what it would take for a broken stream', async () => {
  const { endpoint, broker } = await startServer()
  const older = await RawPeer.open(endpoint)
  older.hello([1])
  const newer = await RawPeer.open(endpoint, pairOf((await certificates()).gatewayControl, 'gw2'))
  newer.hello([1, 2])
  const peers = [older, newer]
  await soon('sets', () => peers.every(({ messages }) => messages.length >= 3))
  broker.push({ type: 'message', by: { vm: 'vm1' }, text: 'Maintenance at ten.' })
  broker.push({ type: 'kill', by: { vm: 'vm1' }, reason: 'killed' })
  await soon('kill', () => peers.every(({ messages }) => messages.at(-1)?.type === 'kill'))
  expect(peers.map(({ messages }) => messages.at(-2)?.type)).toEqual(['revocations', 'message'])
})

test('an order to probe goes to the nodes that know it, and their results come back', async () => {
  const { endpoint, broker } = await startServer()
  const { gatewayControl } = await certificates()
  const older = await RawPeer.open(endpoint)
  older.hello([1, 2])
  const newer = await RawPeer.open(endpoint, pairOf(gatewayControl, 'gw2'))
  newer.hello([1, 2, 3])
  const peers = [older, newer]
  await soon('sets', () => peers.every(({ messages }) => messages.length >= 3))
  const host = { id: 'hv1', kind: 'rdp', address: '192.0.2.10', port: 3389 } as const
  broker.push({ type: 'probe', hosts: [host] })
  broker.push({ type: 'kill', by: { vm: 'vm1' }, reason: 'killed' })
  await soon('kill', () => peers.every(({ messages }) => messages.at(-1)?.type === 'kill'))
  expect(peers.map(({ messages }) => messages.at(-2)?.type)).toEqual(['revocations', 'probe'])
  const result = { host: 'hv1', address: '192.0.2.10', port: 3389, time: 1, state: 'ready' }
  newer.send({ type: 'probe.result', ...result })
  await soon('result', () => broker.called('probed')[0])
  expect(broker.called('probed')[0]).toMatchObject({ peer: { name: 'gw2' }, input: result })
})

test('a peer that never says hello is dropped', async () => {
  const { endpoint } = await startServer({ limits: { welcomeMs: 50 } })
  const peer = await RawPeer.open(endpoint)
  expect(await peer.closed()).toBe(1002)
})

test('a connection that begins no TLS, or asks for nothing after it, is closed', async () => {
  const { endpoint, broker } = await startServer({ limits: { handshakeMs: 100 } })
  const silent = connectTcp(endpoint)
  await withDeadline(once(silent.resume(), 'close'), WITHIN_MS, 'close')
  const { gatewayControl, controlAuthority } = await certificates()
  const { certificatePem, privateKeyPem } = pairOf(gatewayControl, 'gw1')
  const ca = controlAuthority.certificatePem
  const secured = connect({ ...endpoint, ca, cert: certificatePem, key: privateKeyPem })
  // On a busy machine it may be cut off within TLS.
  secured.on('error', () => {}).resume()
  await soon('close', () => secured.closed)
  expect(broker.calls).toEqual([])
})

test('past all connections a newcomer is closed at once while peers have them, and gets in when there is room', async () => {
  const started = await startServer({ limits: { maxConnections: 1 } })
  const peer = await openWelcomed(started.endpoint)
  const newcomer = connectTcp(started.endpoint)
  // Sooner than its time to begin TLS is over, which is 10 s.
  await withDeadline(once(newcomer.resume(), 'close'), 8_000, 'close')
  peer.socket.terminate()
  await soon('room', async () => {
    await expectServing(started)
    return true
  })
})

test('connections that say nothing keep no peer out, and leave few lines', async () => {
  const started = await startServer({ limits: { maxConnections: 5 } })
  const silent = Array.from({ length: 300 }, () => connectTcp(started.endpoint))
  await Promise.all(silent.map((socket) => once(socket.resume(), 'connect')))
  await expectServing(started)
  await soon('room was made', async () => silent.filter(({ closed }) => closed).length >= 295)
  const lines = started.log.logged('control.refused').filter(({ level }) => level !== 'debug')
  expect(lines.length).toBeLessThan(150)
})

test('a peer that does not answer the close is cut off', async () => {
  const { endpoint, log } = await startServer({ limits: { closeMs: 100 } })
  const peer = await openWelcomed(endpoint)
  peer.socket.pause()
  // A second hello is a fault of the peer; it never reads what the broker says to that.
  peer.hello()
  await soon('cut off', () => log.logged('control.disconnected').length === 1)
})

test('a peer that falls silent is dropped, and the broker hears that it has left', async () => {
  const { endpoint, broker, server } = await startServer({ limits: { silenceMs: 3_000 } })
  const peer = await openWelcomed(endpoint)
  expect(await peer.closed()).toBe(1001)
  await soon('left', () => broker.called('left').length === 1)
  expect(server.peers()).toEqual([])
})

test('a peer that takes nothing is dropped at the limit', async () => {
  const { endpoint, broker, log } = await startServer({ limits: { maxQueuedBytes: 1024 * 1024 } })
  const peer = await openWelcomed(endpoint)
  peer.socket.pause()
  const items = Array.from({ length: 10_000 }, (_, index) => ({
    id: `r${index}`,
    kind: 'jti' as const,
    value: 'x'.repeat(100),
    at: 1,
    until: 2,
    endSessions: false,
  }))
  await soon('drop', () => {
    broker.push({ type: 'revocations', version: 2, items })
    return log.logged('control.disconnected').some(({ error }) => `${error}`.includes('slow peer'))
  })
})

test('the same node again replaces its older connection', async () => {
  const { endpoint, broker, server } = await startServer()
  const older = await openWelcomed(endpoint)
  const newer = await openWelcomed(endpoint)
  expect(await older.closed()).toBe(4001)
  expect(server.peers()).toHaveLength(1)
  newer.send({ type: 'release', tunnel: 't' })
  await soon('release', () => broker.called('release').length === 1)
  expect(broker.called('left')).toEqual([])
})

test('calls carry the peer of the certificate', async () => {
  const { endpoint, broker } = await startServer()
  const peer = await openWelcomed(endpoint, 'gw2')
  peer.send({
    type: 'redeem',
    request: 5,
    token: 'a.b.c',
    clientAddress: '192.0.2.7',
    tunnel: 't-1',
    peer: { name: 'gw1', role: 'broker' },
  })
  await soon('answer', () => peer.messages.some(({ type }) => type === 'redeem.answer'))
  expect(peer.messages.at(-1)).toEqual({ type: 'redeem.answer', request: 5, ok: true })
  expect(broker.called('redeem')[0]).toMatchObject({
    peer: { name: 'gw2', role: 'node' },
    input: { clientAddress: '192.0.2.7', tunnel: 't-1' },
  })
})

test('a fault of the broker costs one answer, not the connection', async () => {
  const { endpoint, log } = await startServer({
    change: { redeem: () => Promise.reject(new Error('disk full')) },
  })
  const peer = await openWelcomed(endpoint)
  const redeem = { type: 'redeem', token: 't', clientAddress: '192.0.2.7', tunnel: 't' }
  for (const request of [1, 2]) peer.send({ ...redeem, request })
  await soon('answers', () => peer.messages.filter(({ type }) => type === 'redeem.answer')[1])
  expect(peer.messages.at(-1)).toMatchObject({ ok: false, reason: 'broker-unreachable' })
  expect(log.logged('control.failed')).toHaveLength(2)
})

test('nothing that is said of a tunnel overtakes its redeem, whatever becomes of what came before', async () => {
  const stored = Promise.withResolvers<void>()
  const order: string[] = []
  const { endpoint } = await startServer({
    change: {
      redeem: async () => {
        await stored.promise
        order.push('redeemed')
        return { ok: true }
      },
      release: async (_, tunnel) => {
        order.push(`release ${tunnel}`)
        throw new Error('disk full')
      },
      event: async (_, { event, fields }) => void order.push(`${event} ${fields.tunnel}`),
    },
  })
  const peer = await openWelcomed(endpoint)
  const about = { token: 't', clientAddress: '192.0.2.7', tunnel: 'slow' }
  peer.send({ type: 'redeem', request: 1, ...about })
  peer.send({ type: 'release', tunnel: 'slow' })
  peer.send({ type: 'event', event: 'session.closed', time: 1, fields: { tunnel: 'slow' } })
  peer.send({ type: 'release', tunnel: 'other' })
  await soon('the other tunnel', () => order.length > 0)
  stored.resolve()
  await soon('the rest', () => order.length >= 4)
  expect(order).toEqual(['release other', 'redeemed', 'release slow', 'session.closed slow'])
})

test('past the work in flight a peer waits, and loses nothing', async () => {
  let most = 0
  let now = 0
  let done = 0
  const { endpoint } = await startServer({
    limits: { maxInFlight: 4 },
    change: {
      release: async () => {
        most = Math.max(most, ++now)
        await new Promise((resolve) => setTimeout(resolve, 1))
        now--
        done++
      },
    },
  })
  const peer = await openWelcomed(endpoint)
  // More than one read of a socket brings: what has come is still worked on, the rest waits outside.
  const count = 4_000
  for (let index = 0; index < count; index++) peer.send({ type: 'release', tunnel: `t-${index}` })
  await soon('all done', () => done === count)
  expect(most).toBeLessThan(count)
})

test('what is addressed reaches its peer alone, and nobody while that one is away', async () => {
  const { endpoint, broker } = await startServer()
  const [one, other] = [await openWelcomed(endpoint), await openWelcomed(endpoint, 'gw2')]
  const message = { type: 'kill', by: { tunnel: 't1' }, reason: 'killed' } as const
  for (const name of ['gw9', 'gw2']) {
    broker.push({ type: 'addressed', to: { role: 'node', name }, message })
    broker.push({ type: 'addressed', to: { role: 'agent', name }, message })
  }
  const last = { type: 'kill', by: { vm: 'vm1' }, reason: 'killed' } as const
  broker.push(last)
  await soon('kills', () => one.messages.length === 4 && other.messages.length === 5)
  expect(one.messages.slice(3)).toEqual([last])
  expect(other.messages.slice(3)).toEqual([message, last])
})

test('past its allowance a peer waits and loses nothing, on its next connection too', async () => {
  const workPerSecond = 4_000
  const { endpoint, broker } = await startServer({ limits: { workBurst: 10, workPerSecond } })
  /** Together more than one read of a socket brings, which is worked on all the same. */
  const sendAll = async (count: number): Promise<number> => {
    const peer = await openWelcomed(endpoint)
    const before = broker.called('release').length
    const started = performance.now()
    for (let index = 0; index < count; index++) peer.send({ type: 'release', tunnel: `t-${index}` })
    await soon('all', () => broker.called('release').length === before + count)
    return performance.now() - started
  }
  expect(await sendAll(3_000)).toBeGreaterThan(400)
  expect(await sendAll(3_000)).toBeGreaterThan(400)
})

test('a peer that waits takes nothing from another', async () => {
  const test = await startServer({ limits: { workBurst: 100, workPerSecond: 10 } })
  const { endpoint, broker } = test
  const rogue = await openWelcomed(endpoint)
  for (let index = 0; index < 5_000; index++) rogue.send({ type: 'release', tunnel: `t-${index}` })
  await soon('some', () => broker.called('release').length > 0)
  await expectServing(test)
  expect(broker.called('release').length).toBeLessThan(5_000)
})

test('frames without a message count as well', async () => {
  const { endpoint, broker } = await startServer({
    limits: { workBurst: 10, workPerSecond: 4_000 },
  })
  const peer = await openWelcomed(endpoint)
  const started = performance.now()
  for (let index = 0; index < 6_000; index++) peer.socket.pong('nobody has asked for it')
  peer.send({ type: 'release', tunnel: 't1' })
  await soon('release', () => broker.called('release')[0])
  expect(performance.now() - started).toBeGreaterThan(400)
})

test('a peer that is made to wait is not taken for a silent one', async () => {
  const slow = Promise.withResolvers<void>()
  const silenceMs = 2_000
  const { endpoint, broker, server } = await startServer({
    limits: { maxInFlight: 1, silenceMs },
    change: { release: () => slow.promise },
  })
  const peer = await openWelcomed(endpoint)
  peer.send({ type: 'release', tunnel: 't1' })
  await new Promise((resolve) => setTimeout(resolve, 2 * silenceMs))
  expect(server.peers()).toHaveLength(1)
  slow.resolve()
  peer.send({ type: 'trust.applied', version: 1 })
  await soon('applied', () => broker.called('applied')[0])
})

test('a push reaches every welcomed peer once, after its sets', async () => {
  const { endpoint, broker } = await startServer()
  const peers = [await openWelcomed(endpoint), await openWelcomed(endpoint, 'gw2')]
  broker.push({ type: 'kill', by: { vm: 'vm1' }, reason: 'killed' })
  for (const peer of peers) {
    await soon('kill', () => peer.messages[3])
    expect(peer.messages[3]).toEqual({ type: 'kill', by: { vm: 'vm1' }, reason: 'killed' })
  }
})

test('a push while the sets are being read comes after them', async () => {
  const reading = Promise.withResolvers<void>()
  const { endpoint, broker, server } = await startServer({
    change: {
      revocations: async () => {
        await reading.promise
        return { version: 1, items: [] }
      },
    },
  })
  const peer = await RawPeer.open(endpoint)
  peer.hello()
  await soon('welcome', () => server.peers().length === 1)
  broker.push({ type: 'revocations', version: 2, after: 1, items: [] })
  reading.resolve()
  await soon('push', () => peer.messages[3])
  expect(peer.messages.slice(2)).toMatchObject([{ version: 1 }, { version: 2, after: 1 }])
})

test('a heartbeat is answered with what is current, and brings what was missed', async () => {
  const { endpoint, broker, server } = await startServer({
    change: { versions: async () => ({ trust: 5, revocations: 1 }) },
  })
  const peer = await openWelcomed(endpoint)
  const time = Date.now() + 60_000
  peer.send({ type: 'heartbeat', time, trustVersion: 4, revocationVersion: 1, tunnels: ['t-1'] })
  await soon('answer', () => peer.messages.at(-1)?.type === 'heartbeat.answer')
  expect(peer.messages.slice(3)).toMatchObject([
    { type: 'trust' },
    { type: 'heartbeat.answer', trustVersion: 5, revocationVersion: 1 },
  ])
  expect(broker.called('heartbeat')[0]?.input).toMatchObject({ tunnels: ['t-1'] })
  const [state] = server.peers()
  expect(state).toMatchObject({ trustVersion: 4, revocationVersion: 1 })
  expect(state?.clockOffsetMs).toBeGreaterThan(50_000)
})

test('a peer that has joined is known by its certificate, and by what it says of itself', async () => {
  const { endpoint, broker } = await startServer()
  await openWelcomed(endpoint, 'gw2')
  await soon('joined', () => broker.called('joined')[0])
  const { gatewayControl } = await certificates()
  const { notAfter } = readCertificate(pairOf(gatewayControl, 'gw2').certificatePem)
  expect(broker.called('joined')).toMatchObject([
    {
      peer: { name: 'gw2', role: 'node' },
      input: { address: '127.0.0.1', software: 'test', certificateNotAfterMs: notAfter.getTime() },
    },
  ])
})

test('a drain goes to its node alone: at once, and again with every heartbeat', async () => {
  const order = { deadline: 2_000_000_000_000, message: 'New cables.' }
  const { endpoint, broker } = await startServer({
    change: { drain: async ({ name }) => (name === 'gw1' ? order : undefined) },
  })
  const [gw1, gw2] = [await openWelcomed(endpoint), await openWelcomed(endpoint, 'gw2')]
  const answers = ({ messages }: RawPeer) =>
    messages.filter(({ type }) => type === 'heartbeat.answer')
  broker.push({ type: 'refresh', node: 'gw1' })
  await soon('order', () => answers(gw1)[0])
  const beat = { type: 'heartbeat', time: 1, trustVersion: 1, revocationVersion: 1, tunnels: [] }
  for (const peer of [gw1, gw2]) peer.send(beat)
  await soon('answers', () => answers(gw1)[1] && answers(gw2)[0])
  expect(answers(gw1).map(({ drain }) => drain)).toEqual([order, order])
  expect(answers(gw2)).toMatchObject([{ trustVersion: 1 }])
  expect(answers(gw2)[0]).not.toHaveProperty('drain')
})

test('what changes while an answer is on its way is said after it', async () => {
  const reading = Promise.withResolvers<void>()
  const orders = [undefined, { deadline: 1 }]
  const { endpoint, broker } = await startServer({
    change: {
      drain: async () => orders.shift(),
      versions: async () => {
        await reading.promise
        return { trust: 1, revocations: 1 }
      },
    },
  })
  const peer = await openWelcomed(endpoint)
  for (let times = 0; times < 2; times++) broker.push({ type: 'refresh', node: 'gw1' })
  reading.resolve()
  await soon('both', () => peer.messages[4])
  expect(peer.messages.slice(3).map(({ drain }) => drain)).toEqual([undefined, { deadline: 1 }])
})
