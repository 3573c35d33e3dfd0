import { afterEach, expect, test } from 'vitest'
import { parseRemembered, type RedeemAnswer, renderRemembered } from '../../../src/control/index.ts'
import type { NodeControlOptions } from '../../../src/gateway/index.ts'
import {
  decodeClose,
  decodeServiceMessage,
  decodeTunnelResponse,
  encodeData,
  PacketType,
} from '../../../src/protocol/index.ts'
import type { Revocation } from '../../../src/tokens/index.ts'
import { eventually } from '../../helpers/eventually.ts'
import { openConnection, requests, type TestClient } from '../../helpers/packet-client.ts'
import {
  type ControlledNode,
  type ControlledOptions,
  startControlledNode,
} from '../support/controlled-node.ts'
import {
  connectTo,
  expectPacket,
  FIRST_BYTES,
  KINDS,
  type Kind,
  openChannel,
} from '../support/conversation.ts'
import { type ScriptedHost, startHost } from '../support/scripted-host.ts'
import type { TestNode } from '../support/test-node.ts'

const toClose: (() => unknown)[] = []

afterEach(async () => {
  await Promise.all(toClose.splice(0).map((close) => close()))
})

interface Controlled extends ControlledNode {
  host: ScriptedHost
}

async function start(
  control: Partial<NodeControlOptions> = {},
  answer?: ControlledOptions['answer'],
): Promise<Controlled> {
  const controlled = await startControlledNode({ control, ...(answer && { answer }) })
  const host = await startHost()
  toClose.push(() => controlled.node.gateway.close(), host.close)
  return { ...controlled, host }
}

async function connect(node: TestNode, kind: Kind = 'websocket'): Promise<TestClient> {
  const client = await connectTo(node, kind)
  toClose.push(() => {
    for (const { socket } of client.connections) socket.destroy()
  })
  return client
}

/** TUNNEL_RESPONSE to a client that presents a good token for the host. */
async function present({ node, host }: Controlled): Promise<number> {
  const client = await connect(node)
  client.send(requests.handshake())
  await expectPacket(client, PacketType.handshakeResponse)
  client.send(requests.tunnel(await node.mint(host.port)))
  const response = await expectPacket(client, PacketType.tunnelResponse)
  return decodeTunnelResponse(response.body).statusCode
}

async function openSession({ node, host }: Controlled, kind?: Kind): Promise<TestClient> {
  const client = await connect(node, kind)
  await openChannel(client, node, host.port)
  return client
}

async function expectClose(client: TestClient, status: number): Promise<void> {
  const close = await expectPacket(client, PacketType.closeChannel)
  expect(decodeClose(close.body)).toBe(status)
}

async function readiness(node: TestNode): Promise<string> {
  const connection = await openConnection(node)
  toClose.push(() => connection.socket.destroy())
  connection.write('GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n')
  return connection.readHead()
}

const revocation = (change: Partial<Revocation>): Revocation => ({
  id: 'r1',
  kind: 'vm',
  value: 'vm1',
  at: Date.now() + 60_000,
  until: Date.now() + 120_000,
  endSessions: true,
  ...change,
})

test('a node is ready when it has a trust set, and admits by it at once', async () => {
  const controlled = await start()
  const { node, giveTrust, handlers, remembered } = controlled
  expect(await readiness(node)).toMatch(/^HTTP\/1\.1 503/)
  expect(await present(controlled)).toBe(0x8007_59f8)
  expect(node.logged('token.refused').at(-1)).toMatchObject({ reason: 'trust-stale' })
  giveTrust()
  expect(await readiness(node)).toMatch(/^HTTP\/1\.1 200/)
  expect(await present(controlled)).toBe(0)
  expect(handlers.versions()).toEqual({ trust: 1, revocations: 0 })
  expect(remembered.at(-1)?.trust.version).toBe(1)
  handlers.applyTrust({ version: 2, asOf: 0, issuers: [] })
  expect(await present(controlled)).toBe(0x8007_59f8)
})

test('a node says once that it is ready, and again when it is not', async () => {
  const { node, handlers, giveTrust } = await start()
  const states = () => node.logged('node.state').map(({ state, reason }) => [state, reason])
  expect(states()).toEqual([['degraded', 'trust-stale']])
  giveTrust(1)
  giveTrust(2)
  expect(states().slice(1)).toEqual([['ready', undefined]])
  handlers.applyTrust({ version: 3, asOf: 0, issuers: [] })
  expect(states().slice(2)).toEqual([['degraded', 'trust-stale']])
})

test('a node starts with what it remembers', async () => {
  const first = await start()
  first.giveTrust(4)
  const [remembered] = first.remembered
  if (remembered === undefined) throw new TypeError('nothing remembered')
  const second = await start({ remembered })
  expect(await readiness(second.node)).toMatch(/^HTTP\/1\.1 200/)
  expect(second.handlers.versions().trust).toBe(4)
})

test('a redeem carries token, client and tunnel, and its refusal reaches the client as a class', async () => {
  const controlled = await start({}, async () => ({ ok: false, reason: 'token-replayed' }))
  controlled.giveTrust()
  expect(await present(controlled)).toBe(0x8007_59f8)
  const [request] = controlled.redeems
  expect(request).toMatchObject({ clientAddress: '127.0.0.1', tunnel: expect.any(String) })
  expect(controlled.node.logged('token.refused').at(-1)).toMatchObject({ reason: 'token-replayed' })
})

test('a kill ends the live session, and the broker hears why', async () => {
  const controlled = await start()
  const { handlers, giveTrust, releases, events } = controlled
  giveTrust()
  const client = await openSession(controlled)
  const tunnel = handlers.tunnels()[0]?.tunnel
  handlers.kill({ type: 'kill', by: { user: 'other' }, reason: 'killed' })
  expect(handlers.tunnels()).toHaveLength(1)
  handlers.kill({ type: 'kill', by: { user: 'user1' }, reason: 'killed' })
  await expectClose(client, 0x8007_04d4)
  await eventually('release', () => releases.length === 1, { intervalMs: 5 })
  expect(releases).toEqual([[tunnel, 'killed']])
  expect(events.map(({ event }) => event)).toEqual([
    'token.redeemed',
    'tunnel.created',
    'channel.opened',
    'session.killed',
    'session.closed',
  ])
  const { jti } = events[0]?.fields ?? {}
  expect(events.at(-1)?.fields).toMatchObject({ reason: 'killed', jti, user: 'user1', tunnel })
})

test.each(['jti', 'vm', 'tenant', 'user', 'tunnel'] as const)(
  'a message by %s reaches the user of the live session',
  async (kind) => {
    const controlled = await start()
    const { handlers, giveTrust, events } = controlled
    giveTrust()
    const client = await openSession(controlled)
    const tunnel = handlers.tunnels()[0]?.tunnel
    const jti = events[0]?.fields.jti
    if (tunnel === undefined || jti === undefined) throw new TypeError('no session')
    const values = { jti, vm: 'vm1', tenant: 'tenant1', user: 'user1', tunnel }
    const message = (value: string, text: string): void =>
      handlers.message({ type: 'message', by: { [kind]: value } as typeof values, text })
    message('other', 'not for you')
    message(values[kind], 'Maintenance at ten.\nSave your work.')
    const packet = await expectPacket(client, PacketType.serviceMessage)
    expect(decodeServiceMessage(packet.body)).toBe('Maintenance at ten.\nSave your work.')
    expect(controlled.node.logged('session.messaged')).toMatchObject([{ jti, characters: 35 }])
  },
)

test.each(KINDS)('a live session over %s tells what it is and what it has used', async (kind) => {
  const controlled = await start()
  const { handlers, giveTrust, events, host, node } = controlled
  giveTrust()
  const client = await openSession(controlled, kind)
  client.send(encodeData(FIRST_BYTES))
  const connection = await host.connection()
  connection.write('confirm')
  await expectPacket(client, PacketType.data)
  await eventually('first bytes', () => host.received().equals(FIRST_BYTES), { intervalMs: 5 })
  expect(handlers.tunnels()).toEqual([
    {
      tunnel: expect.any(String),
      transport: kind,
      takesMessages: true,
      idleSeconds: expect.any(Number),
      bytesIn: FIRST_BYTES.length,
      bytesOut: 7,
    },
  ])
  const created = events.find(({ event }) => event === 'tunnel.created')
  expect(created?.fields).toMatchObject({ transport: kind, takesMessages: true })
  expect(node.logged('tunnel.created')).toMatchObject([{ takesMessages: true }])
})

test('a revocation refuses what was issued before it, and ends sessions only when asked', async () => {
  const controlled = await start()
  const { handlers, giveTrust, node } = controlled
  giveTrust()
  const client = await openSession(controlled)
  const gentle = revocation({ endSessions: false })
  handlers.applyRevocations({ type: 'revocations', version: 1, items: [gentle] })
  expect(await present(controlled)).toBe(0x8007_59f8)
  expect(node.logged('token.refused').at(-1)).toMatchObject({ reason: 'token-revoked' })
  expect(handlers.tunnels()).toHaveLength(1)
  const items = [revocation({ id: 'r2' })]
  handlers.applyRevocations({ type: 'revocations', version: 2, after: 1, items })
  await expectClose(client, 0x8007_04d4)
})

test('a revocation of something else ends nothing', async () => {
  const controlled = await start()
  const { handlers, giveTrust } = controlled
  giveTrust()
  await openSession(controlled)
  const items = [revocation({ value: 'vm2' }), revocation({ id: 'r3', kind: 'before', at: 0 })]
  handlers.applyRevocations({ type: 'revocations', version: 1, items })
  expect(handlers.tunnels()).toHaveLength(1)
  expect(await present(controlled)).toBe(0)
})

test('a kill that comes while the broker decides ends the tunnel before it is one', async () => {
  const asked = Promise.withResolvers<void>()
  const decide = Promise.withResolvers<RedeemAnswer>()
  const controlled = await start({}, () => {
    asked.resolve()
    return decide.promise
  })
  controlled.giveTrust()
  const status = present(controlled)
  await asked.promise
  controlled.handlers.kill({ type: 'kill', by: { vm: 'vm1' }, reason: 'killed' })
  decide.resolve({ ok: true })
  expect(await status).toBe(0x8007_59f8)
  await eventually('release', () => controlled.releases.length === 1, { intervalMs: 5 })
  expect(controlled.releases[0]?.[1]).toBe('killed')
})

test('a drain takes the node out of service until the broker says otherwise', async () => {
  const controlled = await start()
  const { node, handlers, giveTrust, reports } = controlled
  expect(handlers.status()).toEqual({ state: 'degraded', reason: 'trust-stale', tunnels: 0 })
  giveTrust()
  // Without waiting for the next heartbeat.
  expect(reports.splice(0).at(-1)).toEqual({ state: 'ready', tunnels: 0 })
  const client = await openSession(controlled)
  expect(handlers.status()).toEqual({ state: 'ready', tunnels: 1 })
  const order = { deadline: 600_000, leftMs: 600_000 }
  handlers.drain(order)
  // At every heartbeat again.
  handlers.drain({ ...order, leftMs: 590_000 })
  expect(reports).toEqual([{ state: 'draining', tunnels: 1 }])
  expect(await readiness(node)).toMatch(/^HTTP\/1\.1 503/)
  expect(await present(controlled)).toBe(0x8007_59e6)
  client.connections[0]?.socket.destroy()
  await eventually('its end is told', () => reports.at(-1)?.tunnels === 0, { intervalMs: 5 })
  handlers.drain(undefined)
  expect(reports.at(-1)).toEqual({ state: 'ready', tunnels: 0 })
  expect(await readiness(node)).toMatch(/^HTTP\/1\.1 200/)
  expect(await present(controlled)).toBe(0)
})

test('a drain whose deadline is over when the node hears of it leaves nobody', async () => {
  const controlled = await start()
  const { handlers, giveTrust } = controlled
  giveTrust()
  const client = await openSession(controlled)
  handlers.drain({ deadline: 1, leftMs: -5_000 })
  await expectClose(client, 0x8007_04d4)
})

test('a node that is restarted while no broker answers stays out of service', async () => {
  const first = await start()
  first.giveTrust()
  first.handlers.drain({ deadline: Date.now() + 60_000, leftMs: 60_000 })
  const remembered = first.remembered.at(-1)
  if (remembered === undefined) throw new TypeError('nothing remembered')
  const second = await start({ remembered: parseRemembered(renderRemembered(remembered)) })
  expect(await readiness(second.node)).toMatch(/^HTTP\/1\.1 503/)
  second.giveTrust(2)
  expect(await present(second)).toBe(0x8007_59e6)
  second.handlers.drain(undefined)
  expect(await readiness(second.node)).toMatch(/^HTTP\/1\.1 200/)
  expect(second.remembered.at(-1)).not.toHaveProperty('drain')
  expect(second.node.logged('node.state').map(({ state }) => state)).toEqual(['draining', 'ready'])
})

test('an order that comes while the node stops sets nothing in motion', async () => {
  const { node, handlers, giveTrust } = await start()
  giveTrust()
  const closed = node.gateway.close()
  handlers.drain({ deadline: 1, leftMs: 60_000 })
  await closed
  expect(node.logged('node.state').map(({ state }) => state)).not.toContain('draining')
})

test('a node whose clock is off is not ready, and is again when the clock is right', async () => {
  const { node, handlers, giveTrust } = await start()
  giveTrust()
  const current = { trust: 1, revocations: 0 }
  handlers.confirm(current, -5_000)
  expect(await readiness(node)).toMatch(/^HTTP\/1\.1 200/)
  handlers.confirm(current, -5_001)
  expect(await readiness(node)).toMatch(/^HTTP\/1\.1 503/)
  expect(handlers.status()).toEqual({ state: 'degraded', tunnels: 0 })
  expect(node.logged('node.state').at(-1)).toMatchObject({ clockOffsetMs: -5_001 })
  handlers.confirm(current, 20)
  expect(await readiness(node)).toMatch(/^HTTP\/1\.1 200/)
})
