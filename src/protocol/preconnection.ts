import { ProtocolError } from '../lib/index.ts'
import { Reader, Writer } from './cursor.ts'

/** Longest blob that is taken in; the wire would allow 131,088 bytes. */
export const MAX_PRECONNECTION_BYTES = 4_096

const V1_BYTES = 4 /* cbSize */ + 4 /* flags */ + 4 /* version */ + 4 /* id */
const V2_BYTES = V1_BYTES + 2 /* cchPCB */

/** RDP_PRECONNECTION_PDU_V1 and _V2, [MS-RDPEPS] 2.2.1. */
export interface PreconnectionBlob {
  version: 1 | 2
  id: number
  /** Version 2 only: the text without its terminating NULs (FreeRDP 2 counts two, FreeRDP 3 one). */
  text?: string
}

/**
 * @param bytes a client's first bytes
 * @returns undefined while the PDU is not whole; else the blob and the bytes it took
 * @throws ProtocolError `ERR_PACKET_MALFORMED`, `ERR_PACKET_TOO_LARGE`
 */
export function decodePreconnectionBlob(
  bytes: Uint8Array,
): { blob: PreconnectionBlob; length: number } | undefined {
  if (bytes.length < 4) return undefined
  const length = new Reader('PRECONNECTION', bytes).u32le('cbSize')
  if (length > MAX_PRECONNECTION_BYTES) {
    const message = `${length}, at most ${MAX_PRECONNECTION_BYTES}`
    throw new ProtocolError('ERR_PACKET_TOO_LARGE', 'PRECONNECTION', 'cbSize', message)
  }
  const reader = new Reader('PRECONNECTION', bytes.subarray(4, Math.max(4, length)))
  if (length < V1_BYTES || length === V2_BYTES - 1) {
    throw reader.malformed('cbSize', `${length}, need ${V1_BYTES}, or ${V2_BYTES} and more`)
  }
  if (bytes.length < length) return undefined
  reader.skip('flags', 4)
  const version = reader.u32le('version')
  const id = reader.u32le('id')
  if (version === 1 && length === V1_BYTES) return { blob: { version, id }, length }
  if (version !== 2) throw reader.malformed('version', `${version} with ${length} bytes`)
  const characters = reader.bytes('text', 2 * reader.u16le('cchPCB'))
  const text = Buffer.from(characters).toString('utf16le').replace(/\0+$/, '')
  return { blob: { version, id, text }, length }
}

/** Version 2 with one terminating NUL, which counts. */
export function encodePreconnectionBlob({ id, text = '' }: PreconnectionBlob): Buffer {
  const characters = Buffer.from(`${text}\0`, 'utf16le')
  return new Writer(V2_BYTES + characters.length)
    .u32le(V2_BYTES + characters.length)
    .u32le(0)
    .u32le(2)
    .u32le(id)
    .u16le(characters.length / 2)
    .bytes(characters)
    .finish()
}
