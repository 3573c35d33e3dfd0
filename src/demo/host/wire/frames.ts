import { ProtocolError } from '../../../lib/index.ts'
import { decodeDataTpdu, tpktLength } from '../../../protocol/index.ts'

/**
 * What a client sends after TLS is a row of frames of two forms, told apart by their first byte:
 * TPKT (slow-path) and fast-path input, [MS-RDPBCGR] 2.2.8.1.2.
 */
export type Frame =
  /** `payload` of the X.224 data TPDU: an MCS message. */
  | { kind: 'tpdu'; payload: Uint8Array }
  /** Whole, from its header byte on. */
  | { kind: 'fastPath'; pdu: Uint8Array }

const TPKT_VERSION = 3
const FASTPATH_ACTION_MASK = 0x03
const MIN_FASTPATH_BYTES = 2

/**
 * The frame at the beginning of `bytes`.
 *
 * @returns the frame (a view) and how many bytes it took; undefined while it is not all there
 * @throws ProtocolError `ERR_PACKET_MALFORMED`, `ERR_PACKET_TOO_LARGE`
 */
export function takeFrame(
  bytes: Uint8Array,
  maxBytes: number,
): { frame: Frame; length: number } | undefined {
  const isTpkt = bytes[0] === TPKT_VERSION
  const length = isTpkt ? tpktLength(bytes, maxBytes) : fastPathLength(bytes, maxBytes)
  if (length === undefined || bytes.length < length) return undefined
  const packet = bytes.subarray(0, length)
  const frame: Frame = isTpkt
    ? { kind: 'tpdu', payload: decodeDataTpdu(packet) }
    : { kind: 'fastPath', pdu: packet }
  return { frame, length }
}

/** One byte below 0x80, else 15 bits in two; the header counts. */
function fastPathLength(bytes: Uint8Array, maxBytes: number): number | undefined {
  const [action, length1, length2] = bytes
  if (action === undefined) return undefined
  if ((action & FASTPATH_ACTION_MASK) !== 0)
    throw malformed('action', `need 0 or 3, have ${action}`)
  if (length1 === undefined) return undefined
  const long = length1 >= 0x80
  if (long && length2 === undefined) return undefined
  const length = long ? ((length1 & 0x7f) << 8) | (length2 ?? 0) : length1
  if (length < MIN_FASTPATH_BYTES + (long ? 1 : 0)) {
    throw malformed('length', `need at least the header, have ${length}`)
  }
  if (length > maxBytes) {
    throw new ProtocolError(
      'ERR_PACKET_TOO_LARGE',
      'FASTPATH_INPUT',
      'length',
      `allowed ${maxBytes} bytes, have ${length}`,
    )
  }
  return length
}

function malformed(field: string, message: string): ProtocolError {
  return new ProtocolError('ERR_PACKET_MALFORMED', 'FASTPATH_INPUT', field, message)
}
