import { ProtocolError } from '../../lib/index.ts'
import {
  type ConnectionConfirm,
  decodeConnectionConfirm,
  tpktLength,
} from '../../protocol/index.ts'

/** What listens on a port, as its first bytes tell. */
export type HostAnswer =
  | { kind: 'rdp'; confirm: ConnectionConfirm }
  /** Words for a person: `HTTP`, `VNC`. */
  | { kind: 'other'; what: string }

/** A confirm with negotiation data has 19 bytes. */
export const MAX_ANSWER_BYTES = 1_024

const TPKT_VERSION = 3
/** Enough to tell the others by. */
const SIGNATURE_BYTES = 4

const SIGNATURES: readonly [RegExp, string][] = [
  [/^(HTTP|<[!h])/i, 'HTTP'],
  [/^SSH-/, 'SSH'],
  [/^RFB /, 'VNC'],
  [/^220[ -]/, 'FTP or SMTP'],
]

/**
 * Reads the answer to an X.224 connection request.
 *
 * @param bytes from the host's first one on
 * @param isAll nothing more will come
 * @returns undefined while more is needed
 */
export function readHostAnswer(bytes: Uint8Array, isAll = false): HostAnswer | undefined {
  if (bytes.length === 0) return undefined
  if (bytes[0] === TPKT_VERSION) return readConfirm(bytes, isAll)
  if (bytes.length < SIGNATURE_BYTES && !isAll) return undefined
  return { kind: 'other', what: nameOf(bytes) }
}

/** What speaks so that it can't be RDP. */
export function nameOf(bytes: Uint8Array): string {
  // A TLS record: an alert or a handshake, and the major version.
  if ((bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 3) return 'TLS'
  const text = Buffer.from(bytes.subarray(0, 16)).toString('latin1')
  const known = SIGNATURES.find(([signature]) => signature.test(text))
  return known?.[1] ?? 'an unknown protocol'
}

function readConfirm(bytes: Uint8Array, isAll: boolean): HostAnswer | undefined {
  try {
    const length = tpktLength(bytes, MAX_ANSWER_BYTES)
    if (length !== undefined && bytes.length >= length) {
      return { kind: 'rdp', confirm: decodeConnectionConfirm(bytes.subarray(0, length)) }
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { kind: 'other', what: `a broken confirm (${error.message})` }
  }
  return isAll ? { kind: 'other', what: 'half a confirm' } : undefined
}
