import { afterEach, expect, test } from 'vitest'
import type { Limits } from '../../src/gateway/index.ts'
import {
  decodeClose,
  decodeServiceMessage,
  decodeTunnelResponse,
  encodeData,
  encodeKeepAlive,
  PacketType,
} from '../../src/protocol/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { requests, type TestClient } from '../helpers/packet-client.ts'
import { accepts, freePort } from '../helpers/ports.ts'
import {
  connectTo,
  expectPacket,
  FIRST_BYTES,
  KINDS,
  type Kind,
  openChannel,
} from './support/conversation.ts'
import { type ScriptedHost, startHost } from './support/scripted-host.ts'
import { startNode, type TestNode } from './support/test-node.ts'

const toClose: (() => unknown)[] = []

afterEach(async () => {
  await Promise.all(toClose.splice(0).map((close) => close()))
})

async function start(limits: Partial<Limits>): Promise<{ node: TestNode; host: ScriptedHost }> {
  const node = await startNode({ limits: { closeTimeoutMs: 300, ...limits } })
  const host = await startHost()
  toClose.push(() => node.gateway.close(), host.close)
  return { node, host }
}

async function connect(node: TestNode, kind: Kind): Promise<TestClient> {
  const client = await connectTo(node, kind)
  toClose.push(() => {
    for (const { socket } of client.connections) socket.destroy()
  })
  return client
}

test.each(KINDS)('sends KEEPALIVE in silence over %s, and never as an answer', async (kind) => {
  const { node, host } = await start({ keepAliveMs: 400 })
  const client = await connect(node, kind)
  // The node's silence begins when it says that the channel is open, whenever we hear of that.
  const before = performance.now()
  await openChannel(client, node, host.port)
  client.send(encodeKeepAlive())
  await expectPacket(client, PacketType.keepAlive)
  expect(performance.now() - before).toBeGreaterThan(350)
})

test('stops with a code the client knows, and lets nothing behind', async () => {
  const { node, host } = await start({})
  const clients = await Promise.all(KINDS.map((kind) => connect(node, kind)))
  for (const client of clients) await openChannel(client, node, host.port)
  const closed = node.gateway.close()
  for (const client of clients) {
    const close = await expectPacket(client, PacketType.closeChannel)
    expect(decodeClose(close.body)).toBe(0x8007_04d4)
    expect(await client.receive()).toBeUndefined()
  }
  await closed
  expect(node.logged('session.closed').map(({ reason }) => reason)).toEqual([
    'node-stopped',
    'node-stopped',
  ])
  await eventually('hosts closed', () => host.connections.every((socket) => socket.closed), {
    intervalMs: 10,
  })
})

async function tunnelStatus(node: TestNode, port: number): Promise<number> {
  const client = await connect(node, 'websocket')
  client.send(requests.handshake())
  await expectPacket(client, PacketType.handshakeResponse)
  client.send(requests.tunnel(await node.mint(port)))
  const response = await expectPacket(client, PacketType.tunnelResponse)
  return decodeTunnelResponse(response.body).statusCode
}

test('a draining node takes no new tunnel and keeps the old', async () => {
  const { node, host } = await start({})
  const client = await connect(node, 'websocket')
  await openChannel(client, node, host.port)
  node.gateway.drain({ deadline: 60_000, leftMs: 60_000 })
  const { body } = await expectPacket(client, PacketType.serviceMessage)
  expect(decodeServiceMessage(body)).toContain('ends in 60 seconds')
  expect(await tunnelStatus(node, host.port)).toBe(0x8007_59e6)
  expect(node.logged('token.refused').at(-1)).toMatchObject({ reason: 'node-draining' })
  client.send(encodeData(FIRST_BYTES))
  await eventually('bytes', () => host.received().equals(FIRST_BYTES), { intervalMs: 5 })
  node.gateway.drain(undefined)
  expect(await tunnelStatus(node, host.port)).toBe(0)
})

test('at the deadline of a drain the tunnels end with a code the client knows', async () => {
  const { node, host } = await start({})
  const clients = await Promise.all(KINDS.map((kind) => connect(node, kind)))
  for (const client of clients) await openChannel(client, node, host.port)
  node.gateway.drain({ deadline: 50, leftMs: 50 })
  for (const client of clients) {
    const close = await expectPacket(client, PacketType.closeChannel)
    expect(decodeClose(close.body)).toBe(0x8007_04d4)
    expect(await client.receive()).toBeUndefined()
  }
  await eventually('their ends', () => node.logged('session.closed').length >= 2, { intervalMs: 5 })
  expect(node.logged('session.closed').map(({ reason }) => reason)).toEqual(['drained', 'drained'])
  expect(await tunnelStatus(node, host.port)).toBe(0x8007_59e6)
})

test('past the limit for one address a tunnel is refused, and its token is not used up', async () => {
  const { node, host } = await start({ maxTunnelsPerAddress: 1 })
  const client = await connect(node, 'websocket')
  await openChannel(client, node, host.port)
  expect(await tunnelStatus(node, host.port)).toBe(0x8007_59e6)
  client.connections[0]?.socket.destroy()
  await eventually('place', () => node.logged('session.closed').length === 1, { intervalMs: 5 })
  expect(await tunnelStatus(node, host.port)).toBe(0)
})

test.each(KINDS)('a client that reads nothing is held back, then ended, over %s', async (kind) => {
  const { node, host } = await start({ slowPeerTimeoutMs: 400 })
  const client = await connect(node, kind)
  await openChannel(client, node, host.port)
  const connection = await host.connection()
  client.connections[0]?.socket.pause()
  connection.write(Buffer.alloc(64 * 1024 * 1024))
  await eventually('end', () => node.logged('session.closed').length === 1, { intervalMs: 20 })
  const [line] = node.logged('session.closed')
  expect(line).toMatchObject({ reason: 'slow-peer' })
  // What the kernel's socket buffers take on both sides, and four buffers of ours.
  expect(Number(line?.bytesOut)).toBeLessThan(16 * 1024 * 1024)
})

test('a host that reads nothing pauses the client, and ends the tunnel in the end', async () => {
  const { node, host } = await start({ slowPeerTimeoutMs: 400 })
  const client = await connect(node, 'websocket')
  await openChannel(client, node, host.port)
  const connection = await host.connection()
  connection.pause()
  client.send(encodeData(FIRST_BYTES))
  for (let packet = 0; packet < 1_000; packet++) client.send(encodeData(Buffer.alloc(60_000)))
  await eventually('end', () => node.logged('session.closed').length === 1, { intervalMs: 20 })
  expect(node.logged('session.closed')).toMatchObject([{ reason: 'slow-peer' }])
})

test('a client that says nothing in its tunnel is ended', async () => {
  const { node } = await start({ tunnelTimeoutMs: 500 })
  const client = await connect(node, 'http')
  await expectPacket(client, PacketType.handshakeResponse)
  expect(await client.receive()).toBeUndefined()
})

test('a channel on which no first bytes come is ended', async () => {
  const { node, host } = await start({ firstBytesTimeoutMs: 100 })
  const client = await connect(node, 'websocket')
  await openChannel(client, node, host.port)
  await expectPacket(client, PacketType.closeChannel)
  const end = await eventually('its end', () => node.logged('session.closed')[0])
  expect(end).toMatchObject({ reason: 'set-up-timeout' })
})

test('a node that cannot have one of its addresses listens on none', async () => {
  const { node } = await start({})
  const port = await freePort()
  const addresses = [port, node.port].map((port) => ({ address: { host: '127.0.0.1', port } }))
  await expect(startNode({ listeners: addresses })).rejects.toMatchObject({ code: 'ERR_START' })
  expect(await accepts(port)).toBe(false)
})
