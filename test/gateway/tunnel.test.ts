import { createHash, randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import {
  decodeChannelResponse,
  decodeClose,
  decodeData,
  decodeHandshakeResponse,
  decodeTunnelAuthResponse,
  decodeTunnelResponse,
  encodeCloseChannel,
  encodeData,
  encodeKeepAlive,
  PacketType,
} from '../../src/protocol/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { requests, type TestClient } from '../helpers/packet-client.ts'
import { CLOSE_MS } from '../helpers/raw-tls.ts'
import {
  connectTo,
  expectPacket,
  FIRST_BYTES,
  KINDS,
  type Kind,
  openChannel,
  openTunnel,
} from './support/conversation.ts'
import { type ScriptedHost, startHost } from './support/scripted-host.ts'
import { startNode, type TestNode } from './support/test-node.ts'

let node: TestNode
let host: ScriptedHost
const clients: TestClient[] = []

beforeAll(async () => {
  node = await startNode()
})

afterEach(() => {
  host?.close()
  for (const client of clients.splice(0)) {
    for (const connection of client.connections) connection.socket.destroy()
  }
})

afterAll(() => node.gateway.close())

async function connect(kind: Kind): Promise<TestClient> {
  const client = await connectTo(node, kind)
  clients.push(client)
  return client
}

async function openedChannel(kind: Kind): Promise<TestClient> {
  host = await startHost()
  const client = await connect(kind)
  await openChannel(client, node, host.port)
  return client
}

test.each(KINDS)('goes from handshake to data and back over %s', async (kind) => {
  host = await startHost()
  const token = await node.mint(host.port)
  const client = await connect(kind)

  client.send(requests.handshake())
  const handshake = await expectPacket(client, PacketType.handshakeResponse)
  expect(decodeHandshakeResponse(handshake.body)).toEqual({
    errorCode: 0,
    verMajor: 1,
    verMinor: 0,
    serverVersion: 0,
    extendedAuth: 2,
  })
  client.send(requests.tunnel(token))
  const tunnel = await expectPacket(client, PacketType.tunnelResponse)
  expect(decodeTunnelResponse(tunnel.body)).toMatchObject({ statusCode: 0, capsFlags: 0x0c })
  client.send(requests.authorization())
  const authorization = await expectPacket(client, PacketType.tunnelAuthResponse)
  expect(decodeTunnelAuthResponse(authorization.body).errorCode).toBe(0)
  client.send(requests.channel(host.port))
  const channel = await expectPacket(client, PacketType.channelResponse)
  expect(decodeChannelResponse(channel.body)).toEqual({ errorCode: 0, channelId: 1 })

  client.send(encodeData(FIRST_BYTES))
  const connection = await host.connection()
  await eventually('first bytes', () => host.received().equals(FIRST_BYTES), { intervalMs: 5 })
  connection.write('confirm')
  const data = await expectPacket(client, PacketType.data)
  expect(Buffer.from(decodeData(data.body)).toString()).toBe('confirm')

  expect(node.logged('tunnel.created').at(-1)).toMatchObject({
    transport: kind,
    tenant: 'tenant1',
    vm: 'vm1',
    remoteAddress: '127.0.0.1',
  })
  expect(node.logged('channel.opened').at(-1)).toMatchObject({ address: '127.0.0.1' })
})

test('opens no channel for a kind that no tunnel leads to, and dials nobody', async () => {
  host = await startHost()
  const client = await connect('websocket')
  await openTunnel(client, await node.mint(host.port, { knd: 'vnc' }))
  client.send(requests.channel(host.port))
  const channel = await expectPacket(client, PacketType.channelResponse)
  expect(decodeChannelResponse(channel.body).errorCode).toBe(0x8007_59da)
  expect(node.logged('channel.refused').at(-1)).toMatchObject({ reason: 'policy-denied' })
  expect(host.connections).toHaveLength(0)
})

test.each(KINDS)('relays megabytes both ways unchanged over %s', async (kind) => {
  const client = await openedChannel(kind)
  const connection = await host.connection()
  const up = randomBytes(3_000_000)
  const down = randomBytes(3_000_000)
  connection.write(down)
  client.send(encodeData(FIRST_BYTES))
  for (let offset = 0; offset < up.length; offset += 60_000) {
    client.send(encodeData(up.subarray(offset, offset + 60_000)))
  }
  const received = createHash('sha256')
  for (let bytes = 0; bytes < down.length; ) {
    const data = decodeData((await expectPacket(client, PacketType.data)).body)
    expect(data.length).toBeGreaterThan(0)
    received.update(data)
    bytes += data.length
  }
  expect(received.digest('hex')).toBe(createHash('sha256').update(down).digest('hex'))
  const expected = Buffer.concat([FIRST_BYTES, up])
  await eventually('all bytes', () => host.received().length >= expected.length, { intervalMs: 10 })
  expect(host.received().equals(expected)).toBe(true)
})

test.each(KINDS)('keeps what waits for a slow host as it came over %s', async (kind) => {
  const client = await openedChannel(kind)
  const connection = await host.connection()
  client.send(encodeData(FIRST_BYTES))
  await eventually('first bytes', () => host.received().equals(FIRST_BYTES), { intervalMs: 5 })
  connection.pause()
  // More than the sockets between the two take, in packets of one TLS record: they are written as they lie.
  const up = randomBytes(8_000_000)
  for (let offset = 0; offset < up.length; offset += 16_366) {
    client.send(encodeData(up.subarray(offset, offset + 16_366)))
  }
  await eventually('a queue', () => node.gateway.figures().queued.in > 0, { intervalMs: 5 })
  connection.resume()
  const expected = Buffer.concat([FIRST_BYTES, up])
  await eventually('all bytes', () => host.received().length >= expected.length, { intervalMs: 20 })
  expect(host.received().equals(expected)).toBe(true)
})

test.each(KINDS)(
  'delivers the last bytes of a host that ends, then closes over %s',
  async (kind) => {
    const client = await openedChannel(kind)
    client.send(encodeData(FIRST_BYTES))
    const connection = await host.connection()
    connection.end('last words')
    const data = await expectPacket(client, PacketType.data)
    expect(Buffer.from(decodeData(data.body)).toString()).toBe('last words')
    const close = await expectPacket(client, PacketType.closeChannel)
    expect(decodeClose(close.body)).toBe(0x8007_59d8)
    expect(await client.receive()).toBeUndefined()
    await eventually('log', () => node.logged('session.closed').at(-1)?.reason === 'host-closed', {
      intervalMs: 5,
    })
  },
)

test('a host that resets gives CLOSE_CHANNEL', async () => {
  const client = await openedChannel('websocket')
  const connection = await host.connection()
  connection.resetAndDestroy()
  const close = await expectPacket(client, PacketType.closeChannel)
  expect(decodeClose(close.body)).toBe(0x8007_59d8)
})

test('a client that closes the channel gets its response, and the host is closed', async () => {
  const client = await openedChannel('websocket')
  const connection = await host.connection()
  client.send(encodeCloseChannel(0))
  const response = await expectPacket(client, PacketType.closeChannelResponse)
  expect(decodeClose(response.body)).toBe(0)
  expect(await client.receive()).toBeUndefined()
  await eventually('host closed', () => connection.readableEnded || connection.closed)
})

test.each([
  ['websocket', 0],
  ['http', 0],
  ['http', 1],
] as const)('the end of %s connection %i ends the host connection', async (kind, index) => {
  const client = await openedChannel(kind)
  const connection = await host.connection()
  client.send(encodeData(FIRST_BYTES))
  client.connections[index]?.socket.end()
  await eventually('host closed', () => connection.readableEnded || connection.closed, {
    timeoutMs: CLOSE_MS,
    intervalMs: 10,
  })
  await Promise.all(client.connections.map(({ closed }) => closed))
  await eventually('log', () => node.logged('session.closed').at(-1)?.reason === 'client-closed', {
    intervalMs: 5,
  })
})

test.each(KINDS)('answers a bad token with one class and logs the reason over %s', async (kind) => {
  host = await startHost()
  const now = Math.floor(Date.now() / 1000)
  const client = await connect(kind)
  client.send(requests.handshake())
  await expectPacket(client, PacketType.handshakeResponse)
  const token = await node.mint(host.port, { iat: now - 260, nbf: now - 260, exp: now - 200 })
  client.send(requests.tunnel(token))
  const response = await expectPacket(client, PacketType.tunnelResponse)
  expect(decodeTunnelResponse(response.body)).toEqual({
    serverVersion: 0,
    statusCode: 0x8007_59f8,
  })
  expect(await client.receive()).toBeUndefined()
  expect(node.logged('token.refused').at(-1)).toMatchObject({ reason: 'token-expired' })
  expect(JSON.stringify(node.log)).not.toContain(token.reveal())
})

test('a client without a token is told so in the handshake', async () => {
  const client = await connect('websocket')
  client.send(requests.handshake(0))
  const response = await expectPacket(client, PacketType.handshakeResponse)
  expect(decodeHandshakeResponse(response.body).errorCode).toBe(0x8007_59f9)
  expect(await client.receive()).toBeUndefined()
})

test.each([
  ['another name', 'target-mismatch', 0x8007_59da, 'localhost'],
  ['a contradicting port', 'target-mismatch', 0x8007_59da, '127.0.0.1:22'],
])('refuses a channel to %s', async (_, reason, code, name) => {
  host = await startHost()
  const client = await connect('websocket')
  await openTunnel(client, await node.mint(host.port))
  client.send(requests.channel(host.port, name))
  const response = await expectPacket(client, PacketType.channelResponse)
  expect(decodeChannelResponse(response.body)).toEqual({ errorCode: code })
  expect(await client.receive()).toBeUndefined()
  expect(node.logged('channel.refused').at(-1)).toMatchObject({ reason })
  expect(host.connections).toEqual([])
})

test('refuses a token for a target that no rule allows', async () => {
  const client = await connect('websocket')
  await openTunnel(client, await node.mint(80, { dst: '169.254.169.254:80' }))
  client.send(requests.channel(80, '169.254.169.254'))
  const response = await expectPacket(client, PacketType.channelResponse)
  expect(decodeChannelResponse(response.body).errorCode).toBe(0x8007_59da)
  expect(node.logged('channel.refused').at(-1)).toMatchObject({ reason: 'target-not-allowed' })
})

test('says so when the host does not answer', async () => {
  host = await startHost()
  const { port } = host
  host.close()
  const client = await connect('websocket')
  await openTunnel(client, await node.mint(port))
  client.send(requests.channel(port))
  const response = await expectPacket(client, PacketType.channelResponse)
  expect(decodeChannelResponse(response.body).errorCode).toBe(0x8007_59dd)
})

test('a packet out of order is answered in its own response', async () => {
  const client = await connect('websocket')
  client.send(requests.handshake())
  await expectPacket(client, PacketType.handshakeResponse)
  client.send(encodeKeepAlive())
  client.send(requests.authorization())
  const response = await expectPacket(client, PacketType.tunnelAuthResponse)
  expect(decodeTunnelAuthResponse(response.body).errorCode).toBe(0x8007_59d8)
  expect(await client.receive()).toBeUndefined()
})

test('data before the channel response is not forwarded', async () => {
  host = await startHost()
  const client = await connect('websocket')
  await openTunnel(client, await node.mint(host.port))
  client.send(Buffer.concat([requests.channel(host.port), encodeData(FIRST_BYTES)]))
  expect(await client.receive()).toBeUndefined()
  expect(host.received().length).toBe(0)
})

test('first bytes that are no X.224 request reach no host', async () => {
  const client = await openedChannel('websocket')
  client.send(encodeData(Buffer.from('GET / HTTP/1.1\r\n\r\n')))
  const close = await expectPacket(client, PacketType.closeChannel)
  expect(decodeClose(close.body)).toBe(0x8007_59d8)
  expect(host.received().length).toBe(0)
})

test('a token opens two tunnels at a time, not three', async () => {
  host = await startHost()
  const token = await node.mint(host.port)
  for (const status of [0, 0, 0x8007_59f8]) {
    const client = await connect('websocket')
    client.send(requests.handshake())
    await expectPacket(client, PacketType.handshakeResponse)
    client.send(requests.tunnel(token))
    const response = await expectPacket(client, PacketType.tunnelResponse)
    expect(decodeTunnelResponse(response.body).statusCode).toBe(status)
  }
})
