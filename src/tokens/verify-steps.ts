import { Refusal } from '../lib/index.ts'
import type { Algorithm } from './algorithms.ts'
import { formatTime } from './times.ts'
import type { TrustedIssuer, TrustList } from './trust-list.ts'

export const DEFAULT_LEEWAY_SECONDS = 5
export const MAX_LEEWAY_SECONDS = 30

/** What every format is held against. */
export interface Circumstances {
  trust: TrustList
  /** The verifier's clock, milliseconds since the epoch. */
  nowMs: number
  /** Clock difference to forgive, 0 to 30; default 5. */
  leewaySeconds?: number
  /**
   * An otherwise right token up to this long past `exp`, or any time past it when the token has a
   * reconnect window, is returned with `expiredBySeconds` instead of being refused. Only for callers
   * that redeem: the ledger admits it when the same client redeemed it in time (DESIGN 4.3). Absent:
   * expired is refused.
   */
  reopenSeconds?: number
}

/** A token whose checks have all passed. */
export interface Verified<Claims> {
  claims: Claims
  /** SHA-256 thumbprint of the issuer's certificate. */
  issuerThumbprint: string
  /** 0, or how long past `exp` the token was presented; then only a ledger may admit it. */
  expiredBySeconds: number
}

/**
 * The issuer's key can have signed with the algorithm that the token names, and it is trusted now: the
 * window is compared with the verifier's clock, never with the token's times.
 *
 * @throws Refusal `algorithm-refused`, `issuer-outside-window`
 */
export function checkIssuer(issuer: TrustedIssuer, algorithm: Algorithm, nowMs: number): void {
  const { certificate, algorithms, notBeforeMs, notAfterMs } = issuer
  if (!algorithms.includes(algorithm)) {
    throw new Refusal(
      'algorithm-refused',
      `alg: issuer ${certificate.sha1Thumbprint} has ${algorithms.join(', ')}, token names ${algorithm}`,
    )
  }
  if (nowMs < notBeforeMs || nowMs > notAfterMs) {
    throw new Refusal(
      'issuer-outside-window',
      `issuer ${certificate.sha1Thumbprint}: trusted from ${formatTime(notBeforeMs / 1000)} to ${formatTime(notAfterMs / 1000)}, it is ${formatTime(nowMs / 1000)}`,
    )
  }
}

/** @throws Refusal `signature-invalid`, always */
export function refuseSignature({ certificate }: TrustedIssuer, cause?: unknown): never {
  const detail = `signature: not by issuer ${certificate.sha1Thumbprint}`
  throw new Refusal('signature-invalid', detail, { cause })
}

/** @throws Refusal `token-not-yet-valid` */
export function checkStart(
  startSeconds: number,
  { nowMs, leewaySeconds }: Pick<Circumstances, 'nowMs' | 'leewaySeconds'>,
): void {
  const now = nowMs / 1000
  const leeway = boundedLeeway(leewaySeconds)
  if (now >= startSeconds - leeway) return
  throw new Refusal(
    'token-not-yet-valid',
    `valid from ${formatTime(startSeconds)}, it is ${formatTime(now)} (leeway ${leeway} s)`,
  )
}

/** An expired token that a ledger may still admit, and the refusal to use when anything else is wrong. */
export interface Expired {
  refusal: Refusal
  bySeconds: number
}

/**
 * @returns undefined when the token is not expired
 * @throws Refusal `token-expired` when no ledger could admit it
 */
export function checkExpiry(
  { exp, rcw }: { exp: number; rcw?: number },
  { nowMs, leewaySeconds, reopenSeconds }: Circumstances,
): Expired | undefined {
  const now = nowMs / 1000
  const leeway = boundedLeeway(leewaySeconds)
  if (now < exp + leeway) return undefined
  const bySeconds = now - exp
  const detail = `exp: ${formatTime(exp)}, it is ${formatTime(now)} (leeway ${leeway} s)`
  const refusal = new Refusal('token-expired', detail)
  // A token redeemed in its last moment, leeway included, is the latest that can be reopened.
  const mayReopen = reopenSeconds !== undefined && bySeconds < leeway + reopenSeconds
  const mayReconnect = reopenSeconds !== undefined && rcw !== undefined
  if (mayReopen || mayReconnect) return { refusal, bySeconds }
  throw refusal
}

export function boundedLeeway(seconds = DEFAULT_LEEWAY_SECONDS): number {
  return Math.min(Math.max(seconds, 0), MAX_LEEWAY_SECONDS)
}
