import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { startNode, type TestNode } from '../gateway/support/test-node.ts'
import { type ScriptedTarget, startTarget } from '../helpers/scripted-target.ts'
import {
  CLOSE_CHANNEL_RESPONSE,
  channelCreate,
  KEEPALIVE,
  packet,
  reach,
  refusal,
  TUNNEL_AUTH,
  tunnelCreate,
  u32,
  X224_REQUEST,
} from './client.ts'
import { data, openChannel, openConsole } from './console.ts'
import { openWebSocket, openWire, WIRE_KINDS } from './wire.ts'

const INTERNAL_ERROR = 0x8007_59d8
const PROBE = Buffer.from('probe')

let node: TestNode
let target: ScriptedTarget

beforeAll(async () => {
  node = await startNode()
})
beforeEach(async () => {
  target = await startTarget()
})
afterEach(() => target.close())
afterAll(() => node.gateway.close())

test('62. DATA before the channel is asked for ends the tunnel, without a response', async () => {
  const wire = await openWebSocket(node)
  await reach(wire, 'authorized', { token: await node.mint(target.port) })
  wire.send(data(X224_REQUEST))
  await wire.expectEnd()
  expect(target.connections).toHaveLength(0)
})

test('62. DATA before CHANNEL_RESPONSE is not forwarded', async () => {
  const wire = await openWebSocket(node)
  await reach(wire, 'authorized', { token: await node.mint(target.port) })
  wire.send(Buffer.concat([channelCreate(target.port), data(X224_REQUEST)]))
  await wire.expectEnd()
  const host = await target.next()
  await host.closed
  expect(host.received).toHaveLength(0)
})

test('62. DATA after CLOSE_CHANNEL is not forwarded', async () => {
  const { wire, host } = await openConsole(node, target)
  wire.send(Buffer.concat([packet(0x10, u32(0)), data(PROBE)]))
  expect(await wire.receive()).toEqual(CLOSE_CHANNEL_RESPONSE)
  await wire.expectEnd()
  await host.closed
  expect(host.received).toEqual(X224_REQUEST)
})

test('63. cbDataLen beyond the packet: CLOSE_CHANNEL and close, nothing forwarded', async () => {
  const { wire, host } = await openConsole(node, target)
  wire.send(data(PROBE, PROBE.length + 1))
  expect(await wire.receive()).toEqual(refusal.close(INTERNAL_ERROR))
  await wire.expectEnd()
  await host.closed
  expect(host.received).toEqual(X224_REQUEST)
})

test('63. cbDataLen zero is ignored; of a longer packet only cbDataLen bytes pass', async () => {
  const { wire, host } = await openConsole(node, target)
  wire.send(data(Buffer.alloc(0)))
  wire.send(data(Buffer.from('probe and more'), PROBE.length))
  wire.send(data(Buffer.from('.')))
  const expected = Buffer.concat([X224_REQUEST, Buffer.from('probe.')])
  expect(await host.receive(expected.length)).toEqual(expected)
  await wire.expectSilence(100)
  expect(host.received).toEqual(expected)
})

test.each(WIRE_KINDS)(
  '67. KEEPALIVE is accepted in every state, without answer (%s)',
  async (kind) => {
    const wire = await openWire(kind, node)
    const token = await node.mint(target.port)
    await reach(wire, 'handshaken')
    for (const request of [tunnelCreate(token), TUNNEL_AUTH, channelCreate(target.port)]) {
      wire.send(KEEPALIVE)
      await wire.expectSilence(50)
      wire.send(request)
      // Each request has the next higher number as its response.
      expect((await wire.receive()).readUInt16LE(0)).toBe(request.readUInt16LE(0) + 1)
    }
    wire.send(Buffer.concat([KEEPALIVE, data(X224_REQUEST), KEEPALIVE, data(PROBE)]))
    const host = await target.next()
    const expected = Buffer.concat([X224_REQUEST, PROBE])
    expect(await host.receive(expected.length)).toEqual(expected)
    await wire.expectSilence(50)
  },
)

test('68. KEEPALIVE after each period of silence; an echo causes no further one', async () => {
  const brief = await startNode({ limits: { keepAliveMs: 1_500 } })
  const { wire } = await openConsole(brief, target)
  for (let period = 0; period < 2; period += 1) {
    await wire.expectSilence(500)
    expect(await wire.receive()).toEqual(KEEPALIVE)
    wire.send(KEEPALIVE)
  }
  await brief.gateway.close()
})

test('68. DATA to the client puts KEEPALIVE off', async () => {
  // Between two rounds there is more than a second for whatever else the machine does.
  const brief = await startNode({ limits: { keepAliveMs: 2_000 } })
  const { wire, host } = await openConsole(brief, target)
  for (let round = 0; round < 4; round += 1) {
    host.socket.write(PROBE)
    expect(await wire.receive()).toEqual(data(PROBE))
    await wire.expectSilence(700)
  }
  expect(await wire.receive()).toEqual(KEEPALIVE)
  await brief.gateway.close()
})

test('69. sixteen packets of an unknown type are skipped, the next one ends the tunnel', async () => {
  const { wire, host } = await openConsole(node, target)
  for (let count = 0; count < 16; count += 1) wire.send(packet(0x0e, PROBE))
  wire.send(data(PROBE))
  const expected = Buffer.concat([X224_REQUEST, PROBE])
  expect(await host.receive(expected.length)).toEqual(expected)
  wire.send(packet(0x0f))
  expect(await wire.receive()).toEqual(refusal.close(INTERNAL_ERROR))
  await wire.expectEnd()
  await host.closed
})

const SERVER_ONLY = [0x02, 0x05, 0x07, 0x09, 0x0b, 0x0c]

test.each(SERVER_ONLY)('69. type %i, which only a server sends, ends the channel', async (type) => {
  const { wire, host } = await openChannel(node, target)
  wire.send(packet(type, Buffer.alloc(8)))
  expect(await wire.receive()).toEqual(refusal.close(INTERNAL_ERROR))
  await wire.expectEnd()
  await host.closed
})

test.each(SERVER_ONLY)('69. type %i, which only a server sends, ends set-up', async (type) => {
  const wire = await openWebSocket(node)
  await reach(wire, 'handshaken')
  wire.send(packet(type, Buffer.alloc(8)))
  await wire.expectEnd()
})
