import type { Reason } from '../lib/index.ts'

/** What ledgers and revocations look at in a verified token, whatever its format; absent is what that has no words for. */
export interface Presentable {
  claims: {
    jti: string
    /** Unix seconds. */
    iat: number
    exp: number
    vm?: string | undefined
    tid?: string | undefined
    sub?: string | undefined
    rcw?: number | undefined
    max?: number | undefined
  }
  issuerThumbprint: string
  expiredBySeconds: number
}

export interface RedeemInput {
  token: Presentable
  /** The client's own address, after a PROXY header. */
  clientAddress: string
  /** Names the tunnel on this node; a second call with the same one is the same redeem. */
  tunnel: string
}

/** One open tunnel's hold on its token. */
export interface Lease {
  /** How long ago its session began, at the token's first redeem; absent: now. */
  sessionAgeSeconds?: number
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
