import { Reader, Writer } from '../../../protocol/index.ts'
import { IO_CHANNEL } from './mcs.ts'
import { encodeDemandActivePdu, SHARE_ID } from './share.ts'

/**
 * Capability exchange, [MS-RDPBCGR] 2.2.1.13 and 2.2.7. The nine sets that mstsc is said to insist on
 * are offered; of the client's own only two flags matter.
 */

const CapabilityType = {
  general: 1,
  bitmap: 2,
  order: 3,
  pointer: 8,
  share: 9,
  input: 13,
  font: 14,
  virtualChannel: 20,
  multifragmentUpdate: 26,
} as const

const SET_HEADER_BYTES = 2 /* type */ + 2 /* length */

/** General set, extraFlags. */
const FASTPATH_OUTPUT_SUPPORTED = 0x0001
const LONG_CREDENTIALS_SUPPORTED = 0x0004
const NO_BITMAP_COMPRESSION_HDR = 0x0400
/** FreeRDP refuses any other General protocolVersion. */
const GENERAL_PROTOCOL_VERSION = 0x0200
/** Order set: NEGOTIATEORDERSUPPORT, ZEROBOUNDSDELTASSUPPORT, COLORINDEXSUPPORT. */
const ORDER_FLAGS = 0x002a
/** Input set: scan codes, extended mouse, fast-path, Unicode, fast-path 2. */
const INPUT_FLAGS = 0x0001 | 0x0004 | 0x0008 | 0x0010 | 0x0020

const SOURCE_DESCRIPTOR = Buffer.from('RDP\0')

export interface DesktopFormat {
  /** Pixels. */
  width: number
  height: number
  bitsPerPixel: number
}

export interface ClientCapabilities {
  fastPathOutput: boolean
  /** False: compressed bitmaps need an 8-byte header of their own. */
  noBitmapCompressionHeader: boolean
}

/** Demand Active PDU, 2.2.1.13.1. */
export function encodeDemandActive(desktop: DesktopFormat): Buffer {
  const sets = capabilitySets(desktop)
  const combined = Buffer.concat([new Writer(4).u16le(sets.length).u16le(0).finish(), ...sets])
  const head = new Writer(4 /* shareId */ + 2 + 2 /* two lengths */)
    .u32le(SHARE_ID)
    .u16le(SOURCE_DESCRIPTOR.length)
    .u16le(combined.length)
  const sessionId = Buffer.alloc(4)
  return encodeDemandActivePdu(
    Buffer.concat([head.finish(), SOURCE_DESCRIPTOR, combined, sessionId]),
  )
}

/**
 * Confirm Active PDU, 2.2.1.13.2.
 *
 * @param body after the share control header
 * @throws ProtocolError `ERR_PACKET_TRUNCATED`, `ERR_PACKET_MALFORMED`
 */
export function decodeConfirmActive(body: Uint8Array): ClientCapabilities {
  const reader = new Reader('CONFIRM_ACTIVE', body)
  reader.skip('shareId', 4)
  reader.skip('originatorId', 2)
  const descriptorLength = reader.u16le('lengthSourceDescriptor')
  const combinedLength = reader.u16le('lengthCombinedCapabilities')
  reader.skip('sourceDescriptor', descriptorLength)
  const sets = new Reader('CONFIRM_ACTIVE', reader.bytes('capabilities', combinedLength))
  const count = sets.u16le('numberCapabilities')
  sets.skip('pad2Octets', 2)
  let extraFlags = 0
  for (let index = 0; index < count; index += 1) {
    const type = sets.u16le('capabilitySetType')
    const length = sets.u16le('lengthCapability')
    if (length < SET_HEADER_BYTES) {
      throw sets.malformed('lengthCapability', `need at least 4, have ${length}`)
    }
    const set = sets.bytes('capabilityData', length - SET_HEADER_BYTES)
    if (type === CapabilityType.general) extraFlags = readExtraFlags(set)
  }
  return {
    fastPathOutput: (extraFlags & FASTPATH_OUTPUT_SUPPORTED) !== 0,
    noBitmapCompressionHeader: (extraFlags & NO_BITMAP_COMPRESSION_HDR) !== 0,
  }
}

function readExtraFlags(set: Uint8Array): number {
  const reader = new Reader('GENERAL_CAPABILITY', set)
  reader.skip('osMajorType', 2 + 2 /* osMinorType */ + 2 /* protocolVersion */ + 2 + 2)
  return reader.u16le('extraFlags')
}

function capabilitySets({ width, height, bitsPerPixel }: DesktopFormat): Buffer[] {
  const zeros = (length: number) => new Uint8Array(length)
  const extraFlags =
    FASTPATH_OUTPUT_SUPPORTED | LONG_CREDENTIALS_SUPPORTED | NO_BITMAP_COMPRESSION_HDR
  return [
    // osMajorType Windows, osMinorType NT; refreshRect and suppressOutput supported.
    set(
      CapabilityType.general,
      u16(1, 3, GENERAL_PROTOCOL_VERSION, 0, 0, extraFlags, 0, 0, 0),
      Uint8Array.of(1, 1),
    ),
    // desktopResizeFlag, bitmapCompressionFlag and multipleRectangleSupport are 1.
    set(CapabilityType.bitmap, u16(bitsPerPixel, 1, 1, 1, width, height, 0, 1, 1, 0, 1, 0)),
    // No drawing order is supported: the 32 bytes of orderSupport are zero.
    set(
      CapabilityType.order,
      zeros(16 /* terminalDescriptor */ + 4),
      u16(1, 20, 0, 1, 0, ORDER_FLAGS),
      zeros(32 /* orderSupport */),
      u16(0x06a1 /* textFlags */, 0),
      u32(0, 0x0003_8400 /* desktopSaveSize */),
      zeros(8),
    ),
    set(CapabilityType.pointer, u16(1, 25, 25)),
    // US layout, IBM enhanced keyboard with 12 function keys, no input method.
    set(CapabilityType.input, u16(INPUT_FLAGS, 0), u32(0x0409, 4, 0, 12), zeros(64)),
    set(CapabilityType.share, u16(IO_CHANNEL, 0)),
    set(CapabilityType.virtualChannel, u32(0, 1600 /* chunk size */)),
    set(CapabilityType.font, u16(1, 0)),
    set(CapabilityType.multifragmentUpdate, u32(65_536)),
  ]
}

function set(type: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const length = SET_HEADER_BYTES + body.length
  return new Writer(length).u16le(type).u16le(length).bytes(body).finish()
}

function u16(...values: number[]): Buffer {
  const writer = new Writer(2 * values.length)
  for (const value of values) writer.u16le(value)
  return writer.finish()
}

function u32(...values: number[]): Buffer {
  const writer = new Writer(4 * values.length)
  for (const value of values) writer.u32le(value)
  return writer.finish()
}
