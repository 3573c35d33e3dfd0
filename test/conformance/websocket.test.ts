import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startNode, type TestNode } from '../gateway/support/test-node.ts'
import { hex } from '../helpers/hex.ts'
import { type ScriptedTarget, startTarget } from '../helpers/scripted-target.ts'
import { clientFrame, readFrame } from '../helpers/websocket-frames.ts'
import {
  HANDSHAKE,
  HANDSHAKE_RESPONSE,
  reach,
  refusal,
  TUNNEL_AUTH,
  tunnelCreate,
} from './client.ts'
import { openWebSocket, type Wire } from './wire.ts'

const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

let node: TestNode
let target: ScriptedTarget
let wire: Wire

beforeAll(async () => {
  node = await startNode({ limits: { keepAliveMs: 50 } })
  target = await startTarget()
})
afterEach(() => wire?.out.socket.destroy())
afterAll(async () => {
  target.close()
  await node.gateway.close()
})

async function openHandshaken(): Promise<Wire> {
  wire = await openWebSocket(node)
  await reach(wire, 'handshaken')
  return wire
}

test.each([
  ['a text frame', 1003, clientFrame({ opcode: Opcode.text, payload: Buffer.from('text') })],
  ['an unmasked frame', 1002, clientFrame({ payload: HANDSHAKE, masked: false })],
  ['a reserved bit', 1002, clientFrame({ payload: HANDSHAKE, reserved: 0x40 })],
  ['a reserved opcode', 1002, clientFrame({ payload: HANDSHAKE, opcode: 3 })],
])('28. %s: close %i', async (_, code, frame) => {
  const { out, expectEnd } = await openHandshaken()
  out.write(frame)
  await expectEnd(code)
})

test('29. a packet over several frames, and several packets in one, are one stream', async () => {
  wire = await openWebSocket(node)
  const [first, middle, last] = [
    HANDSHAKE.subarray(0, 3),
    HANDSHAKE.subarray(3, 9),
    HANDSHAKE.subarray(9),
  ]
  wire.out.write(
    Buffer.concat([
      clientFrame({ payload: first }),
      clientFrame({ payload: middle, fin: false }),
      clientFrame({ opcode: Opcode.ping, payload: Buffer.from('between') }),
      clientFrame({ payload: last, opcode: Opcode.continuation }),
    ]),
  )
  expect(await readFrame(wire.out)).toEqual({ first: 0x8a, payload: Buffer.from('between') })
  expect(await wire.receive()).toEqual(HANDSHAKE_RESPONSE)
  wire.send(Buffer.concat([hex('0d000000 08000000'), tunnelCreate(await node.mint(target.port))]))
  expect((await wire.receive()).readUInt16LE(0)).toBe(0x05)
  // Byte by byte, each in a frame of its own.
  for (const byte of TUNNEL_AUTH) wire.send(Buffer.of(byte))
  expect((await wire.receive()).readUInt16LE(0)).toBe(0x07)
})

test('30. control frames of a thousand bytes, as some FreeRDP send them: a clean close', async () => {
  for (const opcode of [Opcode.pong, Opcode.close]) {
    const { out, expectEnd } = await openHandshaken()
    out.write(clientFrame({ opcode, payload: Buffer.alloc(1024) }))
    await expectEnd(1002)
  }
  await openHandshaken()
})

test('30. our CLOSE answered with a PONG, as FreeRDP 2 does: a clean close', async () => {
  const { out, send, receive } = await openHandshaken()
  send(HANDSHAKE)
  expect(await receive()).toEqual(refusal.handshake(0x8007_59d8))
  expect(await readFrame(out)).toEqual({ first: 0x88, payload: hex('03e8') })
  out.write(clientFrame({ opcode: Opcode.pong, payload: hex('03e8') }))
  expect(await out.readToEnd()).toHaveLength(0)
  await openHandshaken()
})

test('31. no PING, though the session is silent for many keep-alive times', async () => {
  wire = await openWebSocket(node)
  await reach(wire, 'channel', { token: await node.mint(target.port), port: target.port })
  for (let count = 0; count < 12; count += 1) {
    expect(await readFrame(wire.out)).toEqual({ first: 0x82, payload: hex('0d000000 08000000') })
  }
})

test('32. every packet is exactly one unfragmented binary message, in a flood too', async () => {
  wire = await openWebSocket(node)
  await reach(wire, 'channel', { token: await node.mint(target.port), port: target.port })
  const flood = Buffer.alloc(1_000_000, 'flood')
  target.connections.at(-1)?.socket.write(flood)
  let received = 0
  while (received < flood.length) {
    // `receive` insists on one whole packet in a final binary frame.
    const packet = await wire.receive()
    if (packet.readUInt16LE(0) === 0x0a) received += packet.readUInt16LE(8)
  }
  expect(received).toBe(flood.length)
})
