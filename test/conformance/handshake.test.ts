import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { encodeHandshakeRequest } from '../../src/protocol/index.ts'
import { startNode, type TestNode } from '../gateway/support/test-node.ts'
import {
  CLOSE_CHANNEL_RESPONSE,
  channelCreate,
  HANDSHAKE,
  HANDSHAKE_RESPONSE,
  KEEPALIVE,
  packet,
  reach,
  refusal,
  TUNNEL_AUTH,
  tunnelCreate,
  u32,
} from './client.ts'
import { openWire, WIRE_KINDS, type Wire, type WireKind } from './wire.ts'

const INTERNAL_ERROR = 0x8007_59d8
const UNSUPPORTED_AUTHENTICATION = 0x8007_59f9

let node: TestNode
const wires: Wire[] = []

beforeAll(async () => {
  node = await startNode({ limits: { keepAliveMs: 20 } })
})
afterEach(() => {
  for (const wire of wires.splice(0)) {
    wire.out.socket.destroy()
    wire.in.socket.destroy()
  }
})
afterAll(() => node.gateway.close())

async function open(kind: WireKind): Promise<Wire> {
  const wire = await openWire(kind, node)
  wires.push(wire)
  return wire
}

function handshake(change: { verMajor?: number; extendedAuth?: number }): Buffer {
  return encodeHandshakeRequest({
    verMajor: 1,
    verMinor: 0,
    clientVersion: 0,
    extendedAuth: 2,
    ...change,
  })
}

describe.each(WIRE_KINDS)('over %s', (kind) => {
  test('34. version and method of a PAA client are confirmed, eighteen bytes', async () => {
    const wire = await open(kind)
    wire.send(HANDSHAKE)
    expect(await wire.receive()).toEqual(HANDSHAKE_RESPONSE)
  })

  test('35. a client without PAA: 0x800759F9 and close', async () => {
    for (const extendedAuth of [0, 1, 4]) {
      const wire = await open(kind)
      wire.send(handshake({ extendedAuth }))
      expect(await wire.receive()).toEqual(refusal.handshake(UNSUPPORTED_AUTHENTICATION))
      await wire.expectEnd()
    }
  })

  test('36. a client of version nine: an error response and close', async () => {
    const wire = await open(kind)
    wire.send(handshake({ verMajor: 9 }))
    expect(await wire.receive()).toEqual(refusal.handshake(INTERNAL_ERROR))
    await wire.expectEnd()
  })

  test('37. another packet first: its own response with 0x800759D8, or none, and close', async () => {
    const token = await node.mint(3389)
    const firsts: Array<[Buffer, Buffer | undefined]> = [
      [tunnelCreate(token), refusal.tunnel(INTERNAL_ERROR)],
      [TUNNEL_AUTH, refusal.authorization(INTERNAL_ERROR)],
      [channelCreate(3389), refusal.channel(INTERNAL_ERROR)],
      [packet(0x03, u32(0), Buffer.alloc(2)), refusal.extendedAuth(UNSUPPORTED_AUTHENTICATION)],
      [packet(0x10, u32(0)), CLOSE_CHANNEL_RESPONSE],
      [KEEPALIVE, undefined],
      [packet(0x0a, Buffer.of(1, 0, 3)), undefined],
    ]
    for (const [first, answer] of firsts) {
      const wire = await open(kind)
      wire.send(first)
      if (answer !== undefined) expect(await wire.receive()).toEqual(answer)
      await wire.expectEnd()
    }
  })

  test('37. a second handshake: 0x800759D8 and close', async () => {
    const wire = await open(kind)
    await reach(wire, 'handshaken')
    wire.send(HANDSHAKE)
    expect(await wire.receive()).toEqual(refusal.handshake(INTERNAL_ERROR))
    await wire.expectEnd()
  })

  test.each([0, 7, 0xffff_ffff])(
    '38. packetLength %i: close at once, without waiting for a body',
    async (packetLength) => {
      for (const type of [0x01, 0x04, 0x06, 0x08, 0x0a, 0x0d, 0x0e]) {
        const wire = await open(kind)
        await reach(wire, 'handshaken')
        wire.send(header(type, packetLength))
        await wire.expectEnd()
      }
    },
  )

  test('38. packetLength above the maximum of its type: close at once', async () => {
    const tooLong = { 1: 65, 4: 65_562, 6: 65_562, 8: 65_562, 10: 65_546, 13: 65 }
    for (const [type, packetLength] of Object.entries(tooLong)) {
      const wire = await open(kind)
      await reach(wire, 'handshaken')
      wire.send(header(Number(type), packetLength))
      await wire.expectEnd()
    }
  })

  test('39. every split of a request gives the same answer', async () => {
    for (let split = 1; split < HANDSHAKE.length; split += 1) {
      const wire = await open(kind)
      wire.send(HANDSHAKE.subarray(0, split))
      wire.send(HANDSHAKE.subarray(split))
      expect(await wire.receive()).toEqual(HANDSHAKE_RESPONSE)
    }
  })

  test('53. before the channel is open no packet leaves the server unasked', async () => {
    // The keep-alive time of this node is a fraction of the silence.
    for (const state of ['handshaken', 'tunnel', 'authorized'] as const) {
      const wire = await open(kind)
      await reach(wire, state, { token: await node.mint(3389) })
      await wire.expectSilence(100)
    }
  })
})

function header(type: number, packetLength: number): Buffer {
  const bytes = packet(type)
  bytes.writeUInt32LE(packetLength, 4)
  return bytes
}
