import type { Reader } from '../../../protocol/index.ts'

/**
 * The two length encodings of the connect phase: BER (X.690 8.1.3) around MCS Connect-Initial and
 * Connect-Response, aligned PER (X.691 10.9) inside GCC and MCS data.
 */

/** The largest length that PER writes without fragments; no MCS message may carry more. */
export const MAX_PER_LENGTH = 0x3fff

/**
 * A definite BER length of at most two bytes after the first: 64 KB is more than any PDU here.
 *
 * @throws ProtocolError `ERR_PACKET_TRUNCATED`, `ERR_PACKET_MALFORMED`
 */
export function readBerLength(reader: Reader, field: string): number {
  const first = reader.u8(field)
  if (first < 0x80) return first
  if (first === 0x81) return reader.u8(field)
  if (first === 0x82) return reader.u16be(field)
  throw reader.malformed(field, `need a length of at most 2 bytes, have first byte ${first}`)
}

/** The content of the next BER element, whose tag must be `tag`; a view. */
export function readBer(reader: Reader, field: string, tag: readonly number[]): Uint8Array {
  for (const expected of tag) {
    const actual = reader.u8(field)
    if (actual !== expected) throw reader.malformed(field, `need tag ${expected}, have ${actual}`)
  }
  return reader.bytes(field, readBerLength(reader, field))
}

export function encodeBer(tag: readonly number[], content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(tag), encodeBerLength(content.length), content])
}

function encodeBerLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  if (length < 0x100) return Buffer.from([0x81, length])
  if (length < 0x1_0000) return Buffer.from([0x82, length >> 8, length & 0xff])
  throw new RangeError(`BER length: allowed 65535, have ${length}`)
}

/** @throws ProtocolError `ERR_PACKET_MALFORMED` also for a fragmented length */
export function readPerLength(reader: Reader, field: string): number {
  const first = reader.u8(field)
  if (first < 0x80) return first
  if (first >= 0xc0) throw reader.malformed(field, `need no fragments, have first byte ${first}`)
  return ((first & 0x3f) << 8) | reader.u8(field)
}

export function encodePerLength(length: number): Buffer {
  if (length > MAX_PER_LENGTH) {
    throw new RangeError(`PER length: allowed ${MAX_PER_LENGTH}, have ${length}`)
  }
  return length < 0x80 ? Buffer.from([length]) : Buffer.from([0x80 | (length >> 8), length & 0xff])
}
