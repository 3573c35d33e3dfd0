import { createServer, Socket } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import type { Heartbeat } from '../../src/control/index.ts'
import { Secret } from '../../src/lib/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { freePort } from '../helpers/ports.ts'
import {
  certificates,
  closeAll,
  createTestHandlers,
  foreignCertificates,
  pairOf,
  QUICK,
  running,
  startClient,
  startServer,
  WITHIN_MS,
} from './support.ts'

afterEach(closeAll)
afterEach(() => void vi.restoreAllMocks())

const soon = <T>(what: string, probe: () => T | undefined | false): Promise<T> =>
  eventually(what, probe, { timeoutMs: WITHIN_MS, intervalMs: 5 })

/** Where nobody listens, and the kernel lets nobody else listen while a server is away. */
const toComeBackTo = async () => ({ host: '127.0.0.1', port: await freePort() })

const REDEEM = { token: new Secret('a.b.c'), clientAddress: '192.0.2.7', tunnel: 't-1' }

test('a node applies both sets and says so', async () => {
  const { endpoint, broker } = await startServer()
  const { client, handlers } = await startClient(endpoint)
  await soon('acknowledged', () => broker.called('applied').length === 2)
  expect(client.connected).toBe(true)
  expect(handlers.got('applyTrust')).toMatchObject([{ version: 1, issuers: [] }])
  expect(broker.called('applied').map(({ input }) => input)).toEqual([
    { what: 'trust', version: 1 },
    { what: 'revocations', version: 1 },
  ])
})

test('a set that cannot be used is not acknowledged, and the channel stays', async () => {
  const { endpoint, broker } = await startServer()
  const handlers = createTestHandlers({
    applyTrust: () => {
      throw new Error('no certificate')
    },
  })
  const { client, log } = await startClient(endpoint, { handlers })
  await soon('acknowledged', () => broker.called('applied').length === 1)
  expect(broker.called('applied')[0]?.input).toMatchObject({ what: 'revocations' })
  expect(log.logged('trust.refused')).toMatchObject([{ error: 'no certificate' }])
  expect(client.connected).toBe(true)
})

test('revocations that build on what is not there bring a new connection with the whole set', async () => {
  const { endpoint, broker } = await startServer()
  const handlers = createTestHandlers({
    applyRevocations: ({ after }) => {
      if (after !== undefined) throw new Error('gap')
    },
  })
  await startClient(endpoint, { handlers })
  await soon('welcome', () => handlers.got('connected').length === 1)
  broker.push({ type: 'revocations', version: 9, after: 8, items: [] })
  await soon('second welcome', () => handlers.got('connected').length === 2)
})

test('a redeem brings the answer of the broker', async () => {
  const { endpoint, broker } = await startServer({
    change: {
      redeem: async (_, { tunnel }) =>
        tunnel === 't-1' ? { ok: true } : { ok: false, reason: 'token-replayed' },
    },
  })
  const { client } = await startClient(endpoint)
  await soon('connected', () => client.connected)
  expect(await client.redeem(REDEEM)).toEqual({ ok: true })
  const answer = await client.redeem({ ...REDEEM, tunnel: 't-2' })
  expect(answer).toEqual({ ok: false, reason: 'token-replayed' })
  client.release('t-1', 'killed')
  await soon('release', () => broker.called('release')[0])
  expect(broker.called('release')[0]?.input).toEqual({ tunnel: 't-1', reason: 'killed' })
})

test('a broker that hangs is given up after the limit, one that is not there at once', async () => {
  const { endpoint, server } = await startServer({
    change: { redeem: () => new Promise(() => {}) },
  })
  const { client } = await startClient(endpoint, { limits: { ...QUICK, redeemMs: 50 } })
  await soon('connected', () => client.connected)
  await expect(client.redeem(REDEEM)).rejects.toMatchObject({ code: 'ERR_NO_ANSWER' })
  await server.close()
  await soon('lost', () => !client.connected)
  await expect(client.redeem(REDEEM)).rejects.toThrow('not connected')
})

test('a node connects when the broker comes, and again when it comes back', async () => {
  const first = await startServer({ listen: await toComeBackTo() })
  const { client, handlers, log } = await startClient(first.endpoint)
  await soon('connected', () => client.connected)
  await first.server.close()
  await soon('lost', () => !client.connected)
  await soon('attempts', () => log.logged('control.unreachable').length > 2)
  const second = await startServer({ listen: first.endpoint })
  await soon('connected again', () => client.connected)
  expect(handlers.got('connected')).toHaveLength(2)
  await soon('applied', () => second.broker.called('applied').length === 2)
  expect(log.logged('control.disconnected')).toHaveLength(1)
})

test('a node whose name another process takes says so', async () => {
  const { endpoint } = await startServer()
  const { client, log } = await startClient(endpoint)
  await soon('connected', () => client.connected)
  await startClient(endpoint)
  const [line] = await soon('disconnected', () => {
    const lines = log.logged('control.disconnected')
    return lines.length > 0 && lines
  })
  expect(line?.error).toBe(
    'closed by the peer with 4001 another process has connected under this name',
  )
})

test('events wait for the broker, the oldest give way', async () => {
  const first = await startServer({ listen: await toComeBackTo() })
  await first.server.close()
  const { client } = await startClient(first.endpoint, { limits: { ...QUICK, maxQueuedEvents: 2 } })
  for (const time of [1, 2, 3]) client.event({ event: 'tunnel.created', time, fields: {} })
  const { broker } = await startServer({ listen: first.endpoint })
  await soon('events', () => broker.called('event').length === 2)
  expect(broker.called('event').map(({ input }) => input)).toMatchObject([{ time: 2 }, { time: 3 }])
  client.event({ event: 'tunnel.created', time: 4, fields: {} })
  await soon('event', () => broker.called('event').length === 3)
})

test('heartbeats list all tunnels, in parts when they are many', async () => {
  const { endpoint, broker } = await startServer()
  // As long as they can be: no heartbeat may be too long for the broker.
  const all = Array.from({ length: 2_048 }, (_, index) => ({
    tunnel: `${index}`.padStart(36, '0'),
    transport: 'websocket' as const,
    takesMessages: false,
    idleSeconds: Number.MAX_SAFE_INTEGER,
    bytesIn: Number.MAX_SAFE_INTEGER,
    bytesOut: Number.MAX_SAFE_INTEGER,
  }))
  const handlers = createTestHandlers({ tunnels: () => all })
  await startClient(endpoint, { handlers })
  await soon('heartbeats', () => broker.called('heartbeat').length === 2)
  const beats = broker.called('heartbeat').map(({ input }) => input as Heartbeat)
  expect(beats.map(({ tunnels }) => tunnels.length)).toEqual([1_024, 1_024])
  expect(beats.flatMap(({ usage }) => usage)).toEqual(all)
  await soon('confirmed', () => handlers.got('confirm')[0])
  expect(handlers.got('confirm')[0]).toEqual({ trust: 1, revocations: 1 })
})

test('a broker that falls silent is left, and found again', async () => {
  const { endpoint, broker } = await startServer({
    change: { versions: () => new Promise(() => {}) },
  })
  const limits = { ...QUICK, heartbeatMs: 20, silenceMs: 100 }
  const { handlers, log } = await startClient(endpoint, { limits })
  await soon('second connection', () => handlers.got('connected').length >= 2)
  expect(log.logged('control.disconnected')[0]?.error).toContain('silent')
  await soon('heartbeats', () => broker.called('heartbeat').length > 1)
})

test('a message that is too long ends the connection, and nothing of it is applied', async () => {
  const issuer = { certificatePem: 'x'.repeat(16_000), purpose: 'gateway' as const }
  const issuers = Array.from({ length: 600 }, () => ({ ...issuer, sha256Thumbprint: 'A' }))
  const trustSet = async () => ({ version: 1, asOf: 1000, issuers })
  const { endpoint } = await startServer({ change: { trustSet } })
  const { handlers, log } = await startClient(endpoint)
  await soon('disconnected', () => log.logged('control.disconnected').length > 0)
  expect(String(log.logged('control.disconnected')[0]?.error)).toContain('Max payload size')
  expect(handlers.applied.trust).toBe(0)
})

test('a kill is handed on', async () => {
  const { endpoint, broker } = await startServer()
  const { client, handlers } = await startClient(endpoint)
  await soon('connected', () => client.connected)
  broker.push({ type: 'kill', by: { jti: 'j' }, reason: 'killed' })
  await soon('kill', () => handlers.got('kill')[0])
  expect(handlers.got('kill')[0]).toMatchObject({ by: { jti: 'j' }, reason: 'killed' })
})

test('what a host says so that no broker could read it stays on the node', async () => {
  const { endpoint, broker } = await startServer()
  const { client, log } = await startClient(endpoint)
  await soon('connected', () => client.connected)
  const result = { host: 'hv1', address: '192.0.2.10', port: 3389, time: 1 } as const
  client.probed({ ...result, state: 'not-rdp', detail: 'answers as \u001b[2J' })
  client.probed({ ...result, state: 'ready' })
  await soon('result', () => broker.called('probed')[0])
  expect(broker.called('probed').map(({ input }) => input)).toEqual([{ ...result, state: 'ready' }])
  expect(log.logged('control.failed')).toMatchObject([{ work: 'probed' }])
  expect(client.connected).toBe(true)
})

test('a broker of another authority gets no word', async () => {
  const { brokerControl } = await foreignCertificates()
  const { endpoint } = await startServer({ tls: brokerControl })
  const { client, log } = await startClient(endpoint)
  await soon('attempts', () => log.logged('control.unreachable').length > 1)
  expect(client.connected).toBe(false)
})

test('a node that plays the broker gets no word', async () => {
  const { gatewayControl } = await certificates()
  const { endpoint, log: serverLog } = await startServer({ tls: pairOf(gatewayControl, 'gw2') })
  const { client, log } = await startClient(endpoint)
  await soon('attempts', () => log.logged('control.unreachable').length > 1)
  expect(log.logged('control.unreachable')[0]?.error).toContain("need a broker's, is of node gw2")
  expect(client.connected).toBe(false)
  expect(serverLog.logged('control.connected')).toEqual([])
})

test('something that accepts and says nothing is given up', async () => {
  const silent = createServer((socket) => void socket.on('error', () => {}))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const address = silent.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  running.push({ close: () => void silent.close() })
  const { log } = await startClient(
    { host: '127.0.0.1', port: address.port },
    { limits: { ...QUICK, welcomeMs: 50 } },
  )
  await soon('attempts', () => log.logged('control.unreachable').length > 1)
  expect(log.logged('control.unreachable')[0]?.error).toContain('welcome: not within 50 ms')
})

test('closing while the broker is away ends the attempts', async () => {
  const { client, log } = await startClient(await toComeBackTo())
  await soon('attempts', () => log.logged('control.unreachable').length > 1)
  await client.close()
  const attempts = log.logged('control.unreachable').length
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(log.logged('control.unreachable')).toHaveLength(attempts)
})

test('the broker hears how a node stands, at once when asked to, and the node what it is to do', async () => {
  let order: { deadline: number } | undefined = { deadline: Date.now() + 60_000 }
  const { endpoint, broker } = await startServer({ change: { drain: async () => order } })
  let state: 'ready' | 'draining' = 'ready'
  const handlers = createTestHandlers({ status: () => ({ state, tunnels: 3 }) })
  const { client } = await startClient(endpoint, { handlers })
  await soon('order', () => handlers.got('drain')[0])
  const [first] = handlers.got('drain') as { leftMs: number }[]
  expect(first).toMatchObject({ deadline: order.deadline })
  expect(first?.leftMs).toBeGreaterThan(50_000)
  const [offset] = handlers.got('clock')
  expect(Math.abs(Number(offset))).toBeLessThan(10_000)
  state = 'draining'
  order = undefined
  client.report()
  await soon('cancelled', () => handlers.got('drain').length === 2)
  expect(handlers.got('drain')[1]).toBeUndefined()
  expect(broker.called('heartbeat').map(({ input }) => input)).toMatchObject([
    { status: { state: 'ready', tunnels: 3 } },
    { status: { state: 'draining', tunnels: 3 } },
  ])
})

test('what nobody waits for goes in one write, in order, and before a redeem that follows', async () => {
  const { endpoint, broker } = await startServer()
  const { client } = await startClient(endpoint)
  await soon('both sets', () => broker.called('applied').length === 2)
  const writes = spyOnWrites(endpoint.port)
  for (const tunnel of ['t-1', 't-2', 't-3']) client.release(tunnel)
  expect(writes()).toBe(0)
  await client.redeem({ ...REDEEM, tunnel: 't-4' })
  expect(writes()).toBe(1)
  client.release('t-4')
  client.release('t-5')
  await soon('the rest', () => broker.called('release').length === 5)
  expect(writes()).toBe(2)
  const served = broker.calls.filter(({ method }) => method === 'release' || method === 'redeem')
  expect(served.map(({ input }) => input)).toMatchObject(
    ['t-1', 't-2', 't-3', 't-4', 't-4', 't-5'].map((tunnel) => ({ tunnel })),
  )
})

test('what waits is sent when the node stops', async () => {
  const { endpoint, broker } = await startServer()
  const { client } = await startClient(endpoint)
  await soon('both sets', () => broker.called('applied').length === 2)
  client.release('t-1', 'node-stopped')
  await client.close()
  await soon('release', () => broker.called('release')[0])
})

/** Counts writes on sockets that are connected to this port. */
function spyOnWrites(port: number): () => number {
  const spies = [vi.spyOn(Socket.prototype, '_write'), vi.spyOn(Socket.prototype, '_writev')]
  return () =>
    spies
      .flatMap(({ mock }) => mock.contexts)
      .filter((socket) => socket instanceof Socket && socket.remotePort === port).length
}
