import { encodeBer, encodePerLength } from '../../src/demo/host/wire/asn1.ts'
import { Writer } from '../../src/protocol/index.ts'
import { hex } from './hex.ts'

/**
 * What an RDP client sends, hand-made from the wire descriptions: for codec tests and for the small
 * client of `rdp-client.ts`. Every part can be replaced by a wrong one.
 */

export interface ClientCore {
  width?: number
  height?: number
  /** 0x0001 error info, 0x0800 skip channel join. */
  earlyFlags?: number
  /** Body bytes that are sent; a whole CS_CORE has 230. */
  bytes?: number
}

export function coreBlock({
  width = 1024,
  height = 768,
  earlyFlags = 0x0001,
  bytes = 230,
}: ClientCore = {}): Buffer {
  const body = Buffer.alloc(230)
  body.writeUInt32LE(0x0008_0004, 0)
  body.writeUInt16LE(width, 4)
  body.writeUInt16LE(height, 6)
  body.writeUInt16LE(earlyFlags, 140)
  return gccBlock(0xc001, body.subarray(0, bytes))
}

/** CS_NET with `count` channels of no particular name; `claimed` is what the count field says. */
export function networkBlock(count: number, claimed = count): Buffer {
  const body = Buffer.alloc(4 + 12 * count)
  body.writeUInt32LE(claimed, 0)
  return gccBlock(0xc003, body)
}

export function gccBlock(type: number, body: Uint8Array): Buffer {
  return new Writer(4 + body.length)
    .u16le(type)
    .u16le(4 + body.length)
    .bytes(body)
    .finish()
}

/** A GCC Conference Create Request around blocks. */
export function createRequest(...blocks: Uint8Array[]): Buffer {
  const data = Buffer.concat(blocks)
  const userData = Buffer.concat([
    hex('00 08 00 10 00 01 c0 00'),
    Buffer.from('Duca'),
    encodePerLength(data.length),
    data,
  ])
  return Buffer.concat([hex('00 05 00 14 7c 00 01'), encodePerLength(userData.length), userData])
}

/** MCS Connect-Initial with the domain parameters that all known clients send. */
export function connectInitial(gcc: Uint8Array): Buffer {
  const parameters = hex(
    '30 1a 02 01 22 02 01 02 02 01 00 02 01 01 02 01 00 02 01 01 02 03 00 ff ff 02 01 02',
  )
  return encodeBer(
    [0x7f, 0x65],
    Buffer.concat([
      hex('04 01 01 04 01 01 01 01 ff'),
      parameters,
      parameters,
      parameters,
      encodeBer([0x04], gcc),
    ]),
  )
}

/** MCS Send Data Request. */
export function sendData(user: number, channel: number, data: Uint8Array): Buffer {
  const length = encodePerLength(data.length)
  return new Writer(1 + 2 + 2 + 1 + length.length + data.length)
    .u8(0x64)
    .u16be(user - 1001)
    .u16be(channel)
    .u8(0x70)
    .bytes(length)
    .bytes(data)
    .finish()
}

/** Client Info with a Unicode user name and nothing else. */
export function clientInfo(userName = 'demo'): Buffer {
  const name = Buffer.from(userName, 'utf16le')
  const empty = hex('00 00')
  const lengths = new Writer(10).u16le(0).u16le(name.length).u16le(0).u16le(0).u16le(0).finish()
  return Buffer.concat([
    hex('40 00 00 00  00 00 00 00  10 00 00 00'),
    lengths,
    empty,
    name,
    empty,
    empty,
    empty,
    empty,
  ])
}

export function confirmActive({ extraFlags = 0x0405 } = {}): Buffer {
  const general = Buffer.alloc(24)
  general.writeUInt16LE(1, 0)
  general.writeUInt16LE(24, 2)
  general.writeUInt16LE(0x0200, 8)
  general.writeUInt16LE(extraFlags, 14)
  const sets = Buffer.concat([hex('01 00 00 00'), general])
  const body = new Writer(4 + 2 + 2 + 2 + 4 + sets.length)
    .u32le(0x0001_03f3)
    .u16le(1002)
    .u16le(4)
    .u16le(sets.length)
    .bytes(Buffer.from('TEST'))
    .bytes(sets)
    .finish()
  return shareControl(3, body)
}

export function shareControl(type: number, body: Uint8Array): Buffer {
  return new Writer(6 + body.length)
    .u16le(6 + body.length)
    .u16le(type | 0x10)
    .u16le(1007)
    .bytes(body)
    .finish()
}

/** A share data PDU with pduType2 `type`. */
export function shareData(type: number, body: Uint8Array, compressedType = 0): Buffer {
  const data = new Writer(12 + body.length)
    .u32le(0x0001_03f3)
    .u8(0)
    .u8(1)
    .u16le(body.length + 4)
    .u8(type)
    .u8(compressedType)
    .u16le(0)
    .bytes(body)
    .finish()
  return shareControl(7, data)
}

/** Synchronize, Control cooperate, Control request, Font List: what follows Confirm Active. */
export function finalization(): Buffer[] {
  return [
    shareData(31, hex('01 00 ea 03')),
    shareData(20, hex('04 00 00 00 00 00 00 00')),
    shareData(20, hex('01 00 00 00 00 00 00 00')),
    shareData(39, hex('00 00 00 00 03 00 32 00')),
  ]
}

/** A fast-path frame of events that are already encoded. */
export function fastPathInput(events: Uint8Array[]): Buffer {
  const body = Buffer.concat(events)
  return Buffer.concat([Buffer.from([events.length << 2, 2 + body.length]), body])
}

/** Press and release of one key by its set 1 scan code. */
export function keyStroke(code: number): Buffer[] {
  return [Buffer.from([0x00, code]), Buffer.from([0x01, code])]
}

export function refreshRect(...areas: [number, number, number, number][]): Buffer {
  const writer = new Writer(4 + 8 * areas.length).u8(areas.length).bytes(new Uint8Array(3))
  for (const area of areas) for (const edge of area) writer.u16le(edge)
  return shareData(33, writer.finish())
}
