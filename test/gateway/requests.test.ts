import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import {
  decodeHandshakeResponse,
  encodeChunk,
  PacketFramer,
  PacketType,
} from '../../src/protocol/index.ts'
import { openConnection, openWebSocket, requests } from '../helpers/packet-client.ts'
import { RawTls } from '../helpers/raw-tls.ts'
import { clientFrame, readFrame } from '../helpers/websocket-frames.ts'
import { startNode, type TestNode } from './support/test-node.ts'

const PATH = '/remoteDesktopGateway/'

let node: TestNode
const connections: RawTls[] = []

beforeAll(async () => {
  node = await startNode({
    limits: { requestHeadTimeoutMs: 2_000, closeTimeoutMs: 300, inBeforeOutMs: 2_000 },
  })
})

afterEach(() => {
  for (const { socket } of connections.splice(0)) socket.destroy()
})

afterAll(() => node.gateway.close())

async function open(): Promise<RawTls> {
  const connection = await openConnection(node)
  connections.push(connection)
  return connection
}

function request(method: string, id: string | undefined, ...fields: string[]): string {
  const identity = id === undefined ? [] : [`RDG-Connection-Id: {${id}}`]
  return [`${method} ${PATH} HTTP/1.1`, 'Host: gw', ...identity, ...fields, '', ''].join('\r\n')
}

const outRequest = (id: string) => request('RDG_OUT_DATA', id, 'Content-Length: 0')
const inRequest = (id: string) => request('RDG_IN_DATA', id, 'Content-Length: 0')
const streamRequest = (id: string) => request('RDG_IN_DATA', id, 'Transfer-Encoding: chunked')

async function openOut(id: string): Promise<RawTls> {
  const out = await open()
  out.write(outRequest(id))
  expect(await out.readHead()).toMatch(/^HTTP\/1\.1 200 OK/)
  await out.read(10)
  return out
}

async function statusOf(text: string): Promise<string> {
  const connection = await open()
  connection.write(text)
  const answer = await connection.readToEnd()
  return answer.toString().split(' ')[1] ?? ''
}

async function expectHandshake(out: RawTls): Promise<void> {
  const [packet] = new PacketFramer().push(await out.read(18))
  expect(packet?.type).toBe(PacketType.handshakeResponse)
  expect(decodeHandshakeResponse(packet?.body ?? Buffer.alloc(0)).errorCode).toBe(0)
}

test('OUT gets three parts, no length, no coding, exactly ten bytes of seed, then silence', async () => {
  const out = await open()
  out.write(outRequest(randomUUID()))
  expect(await out.readHead()).toBe('HTTP/1.1 200 OK\r\n\r\n')
  await out.read(10)
  expect(out.buffered).toHaveLength(0)
})

test('both IN heads and the first packet may come in one piece', async () => {
  const id = randomUUID()
  const out = await openOut(id)
  const into = await open()
  const head = Buffer.from(inRequest(id) + streamRequest(id.toUpperCase()))
  into.write(Buffer.concat([head, encodeChunk(requests.handshake())]))
  expect(await into.readHead()).toBe('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  await expectHandshake(out)
  expect(into.buffered).toHaveLength(0)
})

test('a stream that starts with the first IN request, byte by byte, gets no answer', async () => {
  const id = randomUUID()
  const out = await openOut(id)
  const into = await open()
  const bytes = Buffer.concat([Buffer.from(streamRequest(id)), encodeChunk(requests.handshake())])
  for (const byte of bytes) into.write(Uint8Array.of(byte))
  await expectHandshake(out)
  expect(into.buffered).toHaveLength(0)
})

test('IN may come a moment before OUT, and 404 when none comes', async () => {
  const id = randomUUID()
  const into = await open()
  into.write(inRequest(id))
  await openOut(id)
  expect(await into.readHead()).toMatch(/^HTTP\/1\.1 200 OK/)
  expect(await statusOf(inRequest(randomUUID()))).toBe('404')
})

test('an OUT that came after its IN is read on, so that its end is noticed', async () => {
  const id = randomUUID()
  const into = await open()
  into.write(inRequest(id) + streamRequest(id))
  const out = await openOut(id)
  await into.readHead()
  out.socket.end('bytes that nobody asked for')
  expect(await into.readToEnd()).toHaveLength(0)
})

test('with prefix binding OUT and IN may come from two addresses of one network only', async () => {
  const prefixNode = await startNode({
    clientBinding: 'prefix',
    limits: { closeTimeoutMs: 300, inBeforeOutMs: 150 },
  })
  const id = randomUUID()
  const out = await RawTls.open(prefixNode)
  out.write(outRequest(id))
  await out.readHead()
  for (const [localAddress, status] of [
    ['127.0.1.3', '404'],
    ['127.0.0.3', '200'],
  ] as const) {
    const into = await RawTls.open({ ...prefixNode, localAddress })
    into.write(inRequest(id))
    expect(await into.readHead()).toContain(`HTTP/1.1 ${status} `)
  }
  await prefixNode.gateway.close()
})

test('a second IN for a paired tunnel is refused and disturbs nothing', async () => {
  const id = randomUUID()
  const out = await openOut(id)
  const into = await open()
  into.write(inRequest(id) + streamRequest(id))
  await into.readHead()
  expect(await statusOf(inRequest(id))).toBe('404')
  into.write(encodeChunk(requests.handshake()))
  await expectHandshake(out)
})

test('of two OUTs with one id the older is closed', async () => {
  const id = randomUUID()
  const older = await openOut(id)
  await openOut(id)
  expect(await older.readToEnd()).toHaveLength(0)
})

test.each(['FFFFFFFF\r\n', `${'0'.repeat(20)}\r\n`, '-1\r\n', '\r\n', '0\r\n\r\n'])(
  'chunk size %j ends the tunnel',
  async (size) => {
    const id = randomUUID()
    const out = await openOut(id)
    const into = await open()
    into.write(inRequest(id) + streamRequest(id) + size)
    await into.readHead()
    expect(await out.readToEnd()).toHaveLength(0)
  },
)

test.each([
  ['no line', 'hello\r\n\r\n', '400'],
  [
    'HTTP/1.0',
    `RDG_OUT_DATA ${PATH} HTTP/1.0\r\nRDG-Connection-Id: ${randomUUID()}\r\n\r\n`,
    '400',
  ],
  ['64 KiB', `GET /healthz HTTP/1.1\r\nX: ${'x'.repeat(65_536)}\r\n\r\n`, '431'],
  ['an unknown path', 'GET / HTTP/1.1\r\nHost: gw\r\n\r\n', '404'],
  ['no connection id', request('RDG_OUT_DATA', undefined), '400'],
  ['half a head', 'GET /healthz HTTP/1.1\r\n', '408'],
])('answers a head with %s', async (_, text, status) => {
  expect(await statusOf(text)).toBe(status)
})

test('answers health and readiness', async () => {
  expect(await statusOf('GET /healthz HTTP/1.1\r\nHost: gw\r\n\r\n')).toBe('200')
  expect(await statusOf('GET /readyz HTTP/1.0\r\n\r\n')).toBe('200')
})

test('agrees on http/1.1 with a client that would rather have h2', async () => {
  const connection = await openConnection({ ...node, ALPNProtocols: ['h2', 'http/1.1'] })
  connections.push(connection)
  expect(connection.socket.alpnProtocol).toBe('http/1.1')
})

async function upgraded(...fields: string[]): Promise<{ client: RawTls; head: string }> {
  const client = await open()
  const key = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13']
  const text = request('GET', undefined, ...key, 'Sec-WebSocket-Key: abc', ...fields)
  client.write(text)
  return { client, head: await client.readHead() }
}

test('echoes the subprotocol binary and no extension', async () => {
  const { head } = await upgraded(
    'Sec-WebSocket-Protocol: binary',
    'Sec-WebSocket-Extensions: permessage-deflate',
  )
  expect(head).toContain('Sec-WebSocket-Protocol: binary')
  expect(head).not.toContain('Extensions')
  expect((await upgraded()).head).not.toContain('Sec-WebSocket-Protocol')
})

const unmasked = Buffer.concat([Buffer.of(0x82, 14), requests.handshake()])
test.each([
  ['a text frame', clientFrame({ opcode: 1, payload: Buffer.from('hello') }), 1003],
  ['an unmasked frame', unmasked, 1002],
  ['a reserved bit', Buffer.of(0xc2, 0x80, 0, 0, 0, 0), 1002],
  ['a PONG of 1024 bytes', clientFrame({ opcode: 0xa, payload: Buffer.alloc(1024) }), 1002],
  ['a CLOSE of 1024 bytes', clientFrame({ opcode: 8, payload: Buffer.alloc(1024) }), 1002],
  ['a message of 16 MiB', Buffer.of(0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0), 1009],
  ['a packet that is none', clientFrame({ payload: Buffer.alloc(8) }), 1000],
])('%s closes the WebSocket', async (_, bytes, code) => {
  const { client } = await upgraded()
  client.write(bytes)
  const frame = await readFrame(client)
  expect(frame.first).toBe(0x88)
  expect(frame.payload.readUInt16BE(0)).toBe(code)
  await client.closed
})

test('a packet may be split over frames, and PING is answered', async () => {
  const { client } = await upgraded()
  const handshake = requests.handshake()
  client.write(clientFrame({ opcode: 9, payload: Buffer.from('ping') }))
  client.write(clientFrame({ payload: handshake.subarray(0, 3), fin: false }))
  client.write(clientFrame({ opcode: 0, payload: handshake.subarray(3, 9) }))
  client.write(clientFrame({ payload: handshake.subarray(9) }))
  expect(await readFrame(client)).toEqual({ first: 0x8a, payload: Buffer.from('ping') })
  const frame = await readFrame(client)
  expect(frame.payload.readUInt16LE(0)).toBe(PacketType.handshakeResponse)
})

test('beyond the half-open limit the older one is told at once, and a stop is told', async () => {
  const small = await startNode({ limits: { maxHalfOpenPerAddress: 1, closeTimeoutMs: 200 } })
  const first = await openWebSocket(small.port, small.ca)
  const second = await openWebSocket(small.port, small.ca)
  expect((await first.receive())?.body.subarray(0, 4)).toEqual(Buffer.from('e6590780', 'hex'))
  await small.gateway.close()
  expect((await second.receive())?.body.subarray(0, 4)).toEqual(Buffer.from('d4040780', 'hex'))
})

test('a client may be silent for longer than its head may take, as one that asks about a certificate', async () => {
  const patient = await startNode({
    limits: { requestHeadTimeoutMs: 1_500, firstByteTimeoutMs: 6_000 },
  })
  const answerAfter = async (first: string): Promise<[head: string, afterMs: number]> => {
    const connection = await openConnection(patient)
    connections.push(connection)
    if (first !== '') connection.write(first)
    const begunMs = performance.now()
    const head = await connection.readHead()
    return [head.slice(0, 12), performance.now() - begunMs]
  }
  try {
    // Whoever has begun has to go on.
    const [silent, begun] = await Promise.all([answerAfter(''), answerAfter('G')])
    expect(silent).toEqual(['HTTP/1.1 408', expect.any(Number)])
    expect(silent[1]).toBeGreaterThan(5_000)
    expect(begun).toEqual(['HTTP/1.1 408', expect.any(Number)])
    expect(begun[1]).toBeLessThan(5_000)
  } finally {
    await patient.gateway.close()
  }
})
