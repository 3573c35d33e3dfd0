import type { Reason } from '../lib/index.ts'
import type { AnyVerifiedToken } from './verify-fedauth.ts'

export interface RedeemInput {
  token: AnyVerifiedToken
  /** The client's own address, after a PROXY header. */
  clientAddress: string
  /** Names the tunnel on this node; a second call with the same one is the same redeem. */
  tunnel: string
}

/** One open tunnel's hold on its token. */
export interface Lease {
  /**
   * The tunnel has ended. Calling it again does nothing.
   *
   * @param reason why: a kill, a limit and a revocation make the token worthless
   */
  release(reason?: Reason): void
}

/**
 * Decides whether a verified token may open a tunnel now. A token admits one console session of one
 * client, and since real clients present it several times (security fall-back, two transports,
 * reconnect), that is more than one tunnel and less than any number.
 */
export interface RedeemLedger {
  /** How long after its first redeem a token may be presented again even past `exp`. */
  readonly reopenSeconds: number
  /**
   * @throws Refusal `token-expired`, `client-mismatch`, `token-replayed`, `superseded`, `limit-reached`,
   *   or the reason that made the token worthless
   */
  redeem(input: RedeemInput): Promise<Lease>
}
