import { ProtocolError } from '../../lib/index.ts'
import { decodeConnectionConfirm } from '../../protocol/index.ts'

/** A TPKT with an X.224 connection confirm and RDP_NEG_FAILURE in it, [MS-RDPBCGR] 2.2.1.2.2. */
export const REFUSAL_BYTES = 4 /* TPKT */ + 7 /* X.224 */ + 8 /* RDP_NEG_FAILURE */

/**
 * Whether a host has said no in the words of RDP: it wants another security than the client offers, or it
 * is an agent that has refused the token.
 *
 * @param bytes all that has come from the host
 * @returns the failure code, or undefined for whatever else it has said
 */
export function refusalIn(bytes: Uint8Array): number | undefined {
  if (bytes.length !== REFUSAL_BYTES) return undefined
  try {
    const answer = decodeConnectionConfirm(bytes)
    return answer.kind === 'failure' ? answer.failureCode : undefined
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
