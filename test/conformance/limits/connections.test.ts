import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { withDeadline } from '../../../src/lib/index.ts'
import { decodeTunnelResponse, PacketType, Status } from '../../../src/protocol/index.ts'
import { expectPacket, KINDS, openTunnel } from '../../gateway/support/conversation.ts'
import {
  expectRefusal,
  HEALTH,
  type Limited,
  PROMPT_MS,
  startLimited,
} from '../../gateway/support/limited-node.ts'
import { eventually } from '../../helpers/eventually.ts'
import { openConnection, requests } from '../../helpers/packet-client.ts'
import { proxyHeader } from '../../helpers/proxy-header.ts'

/** A limit under test: long enough for a TLS handshake on a busy machine. */
const LIMIT_MS = 2_000
/** Between two bytes of who dribbles: not even the shortest of what is begun here is whole at the limit. */
const DRIBBLE_MS = 150

let limited: Limited

afterEach(() => limited.close())

const upgrade = (): string =>
  [
    'RDG_OUT_DATA /remoteDesktopGateway/ HTTP/1.1',
    `RDG-Connection-Id: {${randomUUID()}}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  ].join('\r\n')
const out = (id: string = randomUUID()): string =>
  `RDG_OUT_DATA /remoteDesktopGateway/ HTTP/1.1\r\nRDG-Connection-Id: {${id}}\r\n\r\n`

function connectTcp(): Socket {
  const socket = connect({ host: '127.0.0.1', port: limited.node.port })
  socket.on('error', () => {})
  return socket
}

/** Not at once, and not much later than the limit: ours has begun before the node's clock, or with it. */
function expectInTime(tookMs: number): void {
  expect(tookMs).toBeGreaterThan(LIMIT_MS / 3)
  expect(tookMs).toBeLessThan(LIMIT_MS + PROMPT_MS)
}

/** @returns milliseconds until the server has closed it */
async function closedAfter(socket: Socket, startedAtMs = performance.now()): Promise<number> {
  const withinMs = LIMIT_MS + PROMPT_MS
  if (!socket.destroyed) await withDeadline(once(socket.resume(), 'close'), withinMs, 'close')
  return performance.now() - startedAtMs
}

/** Keeps sending a byte of these, so that silence is not what ends it. */
async function dribble(socket: Socket, bytes: Uint8Array): Promise<void> {
  for (const byte of bytes) {
    if (socket.destroyed || !socket.writable) return
    socket.write(Buffer.of(byte))
    await sleep(DRIBBLE_MS)
  }
}

test('past all connections the one that waits longest in silence makes room, at once', async () => {
  limited = await startLimited({ maxConnections: 3 })
  const silent = [connectTcp(), connectTcp(), connectTcp()]
  await Promise.all(silent.map((socket) => once(socket.resume(), 'connect')))
  const startedAtMs = performance.now()
  expect(await limited.ask(HEALTH)).toBe('HTTP/1.1 200 OK')
  expect(performance.now() - startedAtMs).toBeLessThan(PROMPT_MS)
  await eventually('room', () => silent[0]?.destroyed, { intervalMs: 5 })
  expect(silent.map(({ destroyed }) => destroyed)).toEqual([true, false, false])
  for (const socket of silent) socket.destroy()
  await limited.expectNothingLeft()
})

test('past all connections, when all have spoken, a newcomer is closed at once', async () => {
  limited = await startLimited({ maxConnections: 2 })
  for (const address of ['127.0.0.1', '127.0.0.2']) {
    const connection = await limited.open(address)
    connection.write(upgrade())
    expect(await connection.readHead()).toContain(' 101 ')
  }
  expect(await closedAfter(connectTcp())).toBeLessThan(PROMPT_MS)
  await limited.expectNothingLeft()
  expect(await limited.ask(HEALTH)).toBe('HTTP/1.1 200 OK')
})

test('past the connections of one address it is closed at once, another is served', async () => {
  limited = await startLimited({ maxConnectionsPerAddress: 2 })
  const held = [await limited.open(), await limited.open()]
  for (const connection of held) {
    connection.write(upgrade())
    expect(await connection.readHead()).toContain(' 101 ')
  }
  expect(await closedAfter(connectTcp())).toBeLessThan(PROMPT_MS)
  expect(await limited.ask(HEALTH, '127.0.0.2')).toBe('HTTP/1.1 200 OK')
  held[0]?.socket.destroy()
  await eventually('place', async () => (await limited.ask(HEALTH)).includes('200'), {
    intervalMs: 10,
  })
  await limited.expectNothingLeft()
})

test('past the connections of one address those of it that are silent make room, at once', async () => {
  limited = await startLimited({ maxConnectionsPerAddress: 2 })
  const silent = [connectTcp(), connectTcp()]
  await Promise.all(silent.map((socket) => once(socket.resume(), 'connect')))
  expect(await limited.ask(HEALTH)).toBe('HTTP/1.1 200 OK')
  await eventually('room', () => silent[0]?.destroyed, { intervalMs: 5 })
  expect(silent.map(({ destroyed }) => destroyed)).toEqual([true, false])
  for (const socket of silent) socket.destroy()
  await limited.expectNothingLeft()
})

test('a client that begins no TLS, or only dribbles, is closed when its time is over', async () => {
  limited = await startLimited({ requestHeadTimeoutMs: LIMIT_MS })
  const silent = connectTcp()
  const dribbling = connectTcp()
  // The beginning of a record of 512 bytes.
  void dribble(dribbling, Buffer.concat([Buffer.from('1603010200', 'hex'), Buffer.alloc(99)]))
  for (const tookMs of await Promise.all([closedAfter(silent), closedAfter(dribbling)])) {
    expectInTime(tookMs)
  }
  await limited.expectNothingLeft()
})

test('no byte of a head in time: 408', async () => {
  limited = await startLimited({ firstByteTimeoutMs: LIMIT_MS })
  const silent = await limited.open()
  const startedAtMs = performance.now()
  expect(await silent.readHead()).toContain('HTTP/1.1 408 ')
  expectInTime(performance.now() - startedAtMs)
  await limited.expectNothingLeft()
})

test('a head that is not whole in time gets 408, though a byte of it comes all the time', async () => {
  limited = await startLimited({ requestHeadTimeoutMs: LIMIT_MS })
  const dribbling = await limited.open()
  const startedAtMs = performance.now()
  void dribble(dribbling.socket, Buffer.from(out()))
  expect(await dribbling.readHead()).toContain('HTTP/1.1 408 ')
  expectInTime(performance.now() - startedAtMs)
  await limited.expectNothingLeft()
})

test('a PROXY header that is not whole in time closes the connection', async () => {
  limited = await startLimited(
    { proxyHeaderTimeoutMs: LIMIT_MS },
    {
      listeners: [
        { address: { host: '127.0.0.1', port: 0 }, proxy: 'required', from: ['127.0.0.0/8'] },
      ],
    },
  )
  const socket = connectTcp()
  void dribble(socket, proxyHeader())
  expectInTime(await closedAfter(socket))
  await limited.expectNothingLeft()
})

test('past the half-open connections of one address its oldest give way at once', async () => {
  limited = await startLimited({ maxHalfOpenPerAddress: 2 })
  const other = await limited.open('127.0.0.2')
  other.write(out())
  expect(await other.readHead()).toContain(' 200 ')
  const held: Awaited<ReturnType<Limited['open']>>[] = []
  for (const [request, status] of [
    [upgrade(), ' 101 '],
    [out(), ' 200 '],
    [out(), ' 200 '],
    [upgrade(), ' 101 '],
  ] as const) {
    const connection = await limited.open()
    connection.write(request)
    expect(await connection.readHead()).toContain(status)
    held.push(connection)
  }
  const startedAtMs = performance.now()
  for (const connection of held.slice(0, 2)) await connection.readToEnd()
  expect(performance.now() - startedAtMs).toBeLessThan(PROMPT_MS)
  const alive = [other, ...held.slice(2)].map(({ socket }) => socket.readableEnded)
  expect(alive).toEqual([false, false, false])
  await limited.expectNothingLeft()
})

test.each(KINDS)('past all half-open connections the oldest gives way, over %s', async (kind) => {
  limited = await startLimited({ maxHalfOpen: 2 })
  const pending = await limited.open('127.0.0.2')
  pending.write(out())
  await pending.readHead()
  await pending.read(10)
  const tunnel = await limited.connect(kind)
  tunnel.send(requests.handshake())
  await expectPacket(tunnel, PacketType.handshakeResponse)
  // The OUT that waits for its IN is the older one; then the tunnel that has not proven anything.
  const next = await limited.open('127.0.0.3')
  next.write(upgrade())
  expect(await next.readHead()).toContain(' 101 ')
  expect(await pending.readToEnd()).toHaveLength(0)
  const last = await limited.open('127.0.0.4')
  last.write(upgrade())
  expect(await last.readHead()).toContain(' 101 ')
  const status = (body: Uint8Array): number => decodeTunnelResponse(body).statusCode
  const { tunnelResponse } = PacketType
  await expectRefusal(tunnel, tunnelResponse, status, Status.maxConnectionsReached)
  expect(limited.node.gateway.figures().halfOpen).toBe(2)
  await limited.expectNothingLeft()
})

test('a tunnel that is admitted gives way to nobody', async () => {
  limited = await startLimited({ maxHalfOpen: 1 })
  const client = await limited.connect('websocket')
  await openTunnel(client, await limited.node.mint(limited.host.port))
  for (const address of ['127.0.0.2', '127.0.0.3']) {
    const other = await limited.open(address)
    other.write(upgrade())
    expect(await other.readHead()).toContain(' 101 ')
  }
  client.send(requests.channel(limited.host.port))
  await expectPacket(client, PacketType.channelResponse)
  await limited.expectNothingLeft()
})

test('OUT without IN is closed when its time is over, and its place is free', async () => {
  limited = await startLimited({ pairingTimeoutMs: LIMIT_MS, maxHalfOpen: 1 })
  const pending = await limited.open()
  const startedAtMs = performance.now()
  pending.write(out())
  await pending.readHead()
  expectInTime(await closedAfter(pending.socket, startedAtMs))
  await limited.expectNothingLeft()
  const next = await limited.open()
  next.write(out())
  expect(await next.readHead()).toContain(' 200 ')
})

test('IN without OUT gets 404 when its moment is over', async () => {
  limited = await startLimited({ inBeforeOutMs: LIMIT_MS })
  const startedAtMs = performance.now()
  const request = out()
    .replace('RDG_OUT', 'RDG_IN')
    .replace('\r\n\r\n', '\r\nContent-Length: 0\r\n\r\n')
  expect(await limited.ask(request)).toContain(' 404 ')
  expectInTime(performance.now() - startedAtMs)
  await limited.expectNothingLeft()
})

test('a client that does not close its half after the answer is cut off', async () => {
  limited = await startLimited({ closeTimeoutMs: LIMIT_MS })
  const connection = await openConnection({ ...limited.node, allowHalfOpen: true })
  const startedAtMs = performance.now()
  connection.write('GET /nowhere HTTP/1.1\r\nHost: gw\r\n\r\n')
  expect((await connection.readToEnd()).toString()).toContain('HTTP/1.1 404 ')
  // As long as the node is there it throws away what comes; then a byte brings a reset.
  await eventually('reset', () => connection.socket.destroyed || !connection.socket.write('x'), {
    intervalMs: 20,
  })
  expectInTime(performance.now() - startedAtMs)
  await limited.expectNothingLeft()
})
