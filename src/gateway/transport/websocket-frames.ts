import { FRAME_HEADROOM_BYTES } from './packet-transport.ts'

/**
 * What a server writes of RFC 6455 section 5: its header is two or four bytes that belong in front of the
 * packet, in the same write. `websocket-reader.ts` is the other direction.
 */

/** RFC 6455 section 7.4.1. */
export const CloseCode = {
  normal: 1000,
  protocolError: 1002,
  unsupportedData: 1003,
  tooBig: 1009,
} as const

/** RFC 6455 section 5.2. */
export const Opcode = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const
export const FIN = 0x80
/** RFC 6455 section 5.2: a length of 126 says that 16 bits of length follow, 127 that 64 do. */
export const LENGTH_16 = 126
const MAX_LENGTH = 0xffff

/** A packet as one unfragmented binary message. */
export function encodeBinaryFrame(packet: Uint8Array): Buffer {
  return encodeFrame(Opcode.binary, packet)
}

export function encodePongFrame(data: Uint8Array): Buffer {
  return encodeFrame(Opcode.pong, data)
}

export function encodeCloseFrame(code: number): Buffer {
  const payload = Buffer.alloc(2)
  payload.writeUInt16BE(code)
  return encodeFrame(Opcode.close, payload)
}

/**
 * Writes the header of a binary message in front of the packet at `buffer[start, end)`.
 *
 * @returns where the frame begins: `FRAME_HEADROOM_BYTES` before `start` at most
 */
export function writeBinaryHeader(buffer: Buffer, start: number, end: number): number {
  const length = end - start
  const begin = start - headerBytes(length)
  writeHeader(buffer, begin, Opcode.binary, length)
  return begin
}

function encodeFrame(opcode: number, payload: Uint8Array): Buffer {
  const offset = headerBytes(payload.length)
  const frame = Buffer.alloc(offset + payload.length)
  writeHeader(frame, 0, opcode, payload.length)
  frame.set(payload, offset)
  return frame
}

function headerBytes(length: number): number {
  if (length > MAX_LENGTH) throw new RangeError(`frame of ${length} bytes: may have ${MAX_LENGTH}`)
  return length < LENGTH_16 ? 2 : FRAME_HEADROOM_BYTES
}

function writeHeader(buffer: Buffer, offset: number, opcode: number, length: number): void {
  buffer[offset] = FIN | opcode
  if (length < LENGTH_16) {
    buffer[offset + 1] = length
  } else {
    buffer[offset + 1] = LENGTH_16
    buffer.writeUInt16BE(length, offset + 2)
  }
}
