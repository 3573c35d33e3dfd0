import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Clock } from '../../src/lib/index.ts'
import { Secret, systemClock } from '../../src/lib/index.ts'
import { startNode, type TestNode } from '../gateway/support/test-node.ts'
import { tamper } from '../helpers/broken-tokens.ts'
import { hex } from '../helpers/hex.ts'
import {
  channelCreate,
  HANDSHAKE,
  HANDSHAKE_RESPONSE,
  packet,
  reach,
  refusal,
  TUNNEL_AUTH,
  tunnelCreate,
  u16,
  u32,
} from './client.ts'
import { openWire, WIRE_KINDS, type Wire, type WireKind } from './wire.ts'

const BAD_PACKET = 0x8007_59f7
const ACCESS_DENIED = 0x8007_59f8
const INTERNAL_ERROR = 0x8007_59d8

let node: TestNode
/** Added to the time by which the node judges tokens. */
let aheadMs = 0
const wires: Wire[] = []

beforeAll(async () => {
  const clock: Clock = { now: () => systemClock.now() + aheadMs }
  node = await startNode({ clock })
})
afterEach(() => {
  aheadMs = 0
  for (const wire of wires.splice(0)) {
    wire.out.socket.destroy()
    wire.in.socket.destroy()
  }
})
afterAll(() => node.gateway.close())

async function openHandshaken(kind: WireKind): Promise<Wire> {
  const wire = await openWire(kind, node)
  wires.push(wire)
  wire.send(HANDSHAKE)
  expect(await wire.receive()).toEqual(HANDSHAKE_RESPONSE)
  return wire
}

/** TUNNEL_CREATE with its optional part as raw as can be. */
function create({ fields = 1, capsFlags = 0x0d }, ...parts: Uint8Array[]): Buffer {
  return packet(0x04, u32(capsFlags), u16(fields), u16(0), ...parts)
}

function counted(bytes: Uint8Array, cbLen = bytes.length): Buffer {
  return Buffer.concat([u16(cbLen), bytes])
}

function utf16(text: string): Buffer {
  return Buffer.from(text, 'utf16le')
}

async function expectRefused(kind: WireKind, request: Buffer, code: number): Promise<void> {
  const wire = await openHandshaken(kind)
  wire.send(request)
  expect(await wire.receive()).toEqual(refusal.tunnel(code))
  await wire.expectEnd()
}

async function expectCreated(wire: Wire): Promise<Buffer> {
  const response = await wire.receive()
  // serverVersion 0, statusCode 0, tunnelId and capsFlags present, reserved 0.
  expect(response.subarray(0, 18)).toEqual(hex('05000000 1a000000 0000 00000000 0300 0000'))
  expect(response.readUInt32LE(18)).not.toBe(0)
  return response
}

describe.each(WIRE_KINDS)('over %s', (kind) => {
  test('40. a valid cookie is accepted with its NUL and without', async () => {
    for (const end of ['\0', '']) {
      const wire = await openHandshaken(kind)
      wire.send(create({}, counted(utf16(`${(await node.mint(3389)).reveal()}${end}`))))
      await expectCreated(wire)
    }
  })

  test.each([
    ['two NULs at its end', utf16('a.b.c\0\0')],
    ['a NUL inside', utf16('a.b\0c\0')],
    ['an odd length', Buffer.from('abc')],
    ['no byte', Buffer.alloc(0)],
    ['nothing but a NUL', utf16('\0')],
    ['half of a pair', hex('6100 00d8 6200')],
  ])('41. a cookie with %s: 0x800759F7 and close', async (_, cookie) => {
    await expectRefused(kind, create({}, counted(cookie)), BAD_PACKET)
  })

  test('42. a cookie length beyond the packet: 0x800759F7 and close', async () => {
    const cookie = utf16('abc\0')
    await expectRefused(kind, create({}, counted(cookie, cookie.length + 2)), BAD_PACKET)
    await expectRefused(kind, create({}, counted(cookie, 0xfffe)), BAD_PACKET)
    await expectRefused(kind, create({}, Buffer.of(1)), BAD_PACKET)
  })

  test('43. a cookie length below the bytes present: only so many are used', async () => {
    const cookie = utf16(`${(await node.mint(3389)).reveal()}\0`)
    await expectRefused(kind, create({}, counted(cookie, cookie.length - 20)), ACCESS_DENIED)
    const wire = await openHandshaken(kind)
    wire.send(create({}, counted(Buffer.concat([cookie, utf16('more')]), cookie.length)))
    await expectCreated(wire)
  })

  test.each([4_097, 32_766])('44. a cookie of %i characters: 0x800759F7', async (length) => {
    await expectRefused(kind, create({}, counted(utf16(`${'a'.repeat(length)}\0`))), BAD_PACKET)
  })

  test('44. a cookie of 4096 characters is judged as a token', async () => {
    await expectRefused(kind, create({}, counted(utf16(`${'a'.repeat(4_096)}\0`))), ACCESS_DENIED)
  })

  test('45. a token that is wrong in any way: 0x800759F8, the same bytes for all', async () => {
    const token = await node.mint(3389)
    const stranger = await startNode()
    const wrong = [
      new Secret('no-token'),
      new Secret(tamper(token.reveal())),
      await stranger.mint(3389),
      await node.mint(3389, { aud: 'otherfarm' }),
      await node.mint(3389, { cip: '192.0.2.7' }),
    ]
    await stranger.gateway.close()
    for (const secret of wrong) {
      await expectRefused(kind, tunnelCreate(secret), ACCESS_DENIED)
    }
    aheadMs = 120_000
    await expectRefused(kind, tunnelCreate(token), ACCESS_DENIED)
    aheadMs = -120_000
    await expectRefused(kind, tunnelCreate(token), ACCESS_DENIED)
  })

  test('46. no cookie field: 0x800759F7; a context nobody knows: 0x800759F8; context zero: a tunnel', async () => {
    const cookie = counted(utf16(`${(await node.mint(3389)).reveal()}\0`))
    await expectRefused(kind, create({ fields: 0 }), BAD_PACKET)
    await expectRefused(kind, create({ fields: 3 }, hex('01'.repeat(8)), cookie), ACCESS_DENIED)
    const wire = await openHandshaken(kind)
    wire.send(create({ fields: 3 }, Buffer.alloc(8), cookie))
    await expectCreated(wire)
  })

  test('47. the same token opens a second tunnel while it lives', async () => {
    const token = await node.mint(3389)
    for (let count = 0; count < 2; count += 1) {
      const wire = await openHandshaken(kind)
      wire.send(tunnelCreate(token))
      await expectCreated(wire)
    }
  })

  test('48. what is granted is offered, and never quarantine, reauthentication or UDP', async () => {
    for (const offered of [0x3f, 0x0d, 0x02, 0x00]) {
      const wire = await openHandshaken(kind)
      wire.send(tunnelCreate(await node.mint(3389), offered))
      const granted = (await expectCreated(wire)).readUInt32LE(22)
      expect(granted & ~offered).toBe(0)
      expect(granted & 0x31).toBe(0)
    }
  })

  test.each([
    ['no name', packet(0x06, u16(0), u16(0))],
    ['a name of six hundred bytes', packet(0x06, u16(0), counted(utf16('n'.repeat(300))))],
    ['a statement of health', packet(0x06, u16(1), counted(utf16('pc\0')), counted(hex('010203')))],
  ])('50. TUNNEL_AUTH with %s is accepted', async (_, request) => {
    const wire = await openHandshaken(kind)
    wire.send(tunnelCreate(await node.mint(3389)))
    await expectCreated(wire)
    wire.send(request)
    expect(await wire.receive()).toEqual(
      hex('07000000 18000000 00000000 0300 0000 00000000 00000000'),
    )
  })

  test('50. the answer has the redirection flags of the token', async () => {
    const wire = await openHandshaken(kind)
    wire.send(tunnelCreate(await node.mint(3389, { rdr: 0x4000_001f })))
    await expectCreated(wire)
    wire.send(TUNNEL_AUTH)
    expect(await wire.receive()).toEqual(
      hex('07000000 18000000 00000000 0300 0000 1f000040 00000000'),
    )
  })

  test.each([
    ['a name of odd length', packet(0x06, u16(0), counted(Buffer.from('odd')))],
    ['a name beyond the packet', packet(0x06, u16(0), counted(utf16('pc'), 600))],
  ])(
    '51. TUNNEL_AUTH with %s: a code that every client takes for a refusal',
    async (_, request) => {
      const wire = await openHandshaken(kind)
      wire.send(tunnelCreate(await node.mint(3389)))
      await expectCreated(wire)
      wire.send(request)
      expect(await wire.receive()).toEqual(refusal.authorization(INTERNAL_ERROR))
      await wire.expectEnd()
    },
  )

  test('52. a step before its time: its own response with 0x800759D8, and close', async () => {
    const early = await openHandshaken(kind)
    early.send(TUNNEL_AUTH)
    expect(await early.receive()).toEqual(refusal.authorization(INTERNAL_ERROR))
    await early.expectEnd()

    const wire = await openWire(kind, node)
    wires.push(wire)
    await reach(wire, 'tunnel', { token: await node.mint(3389) })
    wire.send(channelCreate(3389))
    expect(await wire.receive()).toEqual(refusal.channel(INTERNAL_ERROR))
    await wire.expectEnd()
  })
})
