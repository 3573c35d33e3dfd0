import { type Endpoint, formatEndpoint, Refusal, type Secret } from '../lib/index.ts'
import {
  claimedIssuer,
  type GatewayClaims,
  type RedeemLedger,
  type TrustList,
  type VerifiedToken,
  type VerifyOptions,
  verifyLabToken,
} from '../tokens/index.ts'
import type { Limits } from './limits.ts'
import { Quota } from './quota.ts'
import { createTargetPolicy, type TargetPolicy } from './targets.ts'

/** What this node's own file allows a laboratory. */
export interface LabOptions {
  /** Issuers of purpose `lab`; no broker adds one. */
  trust: TrustList
  /** A literal address: all that their tokens open. */
  echoHost: Endpoint
  /** Of their own, so that they use up nobody's place in another. */
  ledger: RedeemLedger
}

/**
 * The way in for a laboratory's tokens: tests of a node in service, whose key is a tester's.
 * INVARIANT: a native token that names one of these issuers gets no further than the echo host, whatever
 * it claims and whatever a broker trusts. No broker hears of it, so that it is no session of any tenant.
 */
export class LabAccess {
  readonly ledger: RedeemLedger
  /** The echo host alone, which needs no other rule. */
  readonly targets: TargetPolicy
  readonly tunnels: Quota
  readonly #trust: TrustList
  readonly #echoHost: string
  readonly #limits: Limits

  constructor({ trust, echoHost, ledger }: LabOptions, limits: Limits) {
    this.ledger = ledger
    this.targets = createTargetPolicy([{ cidr: echoHost.host, ports: [echoHost.port] }], [])
    this.tunnels = new Quota(limits.maxLabTunnels, limits.maxLabTunnels)
    this.#trust = trust
    this.#echoHost = formatEndpoint(echoHost)
    this.#limits = limits
  }

  /** Whether the token names one of the issuers; whether it is theirs, `verify` finds out. */
  isNamedBy(token: Secret): boolean {
    const thumbprint = claimedIssuer(token)
    return thumbprint !== undefined && this.#trust.find(thumbprint, 'lab') !== undefined
  }

  /**
   * As {@link verifyLabToken}, against these issuers and no others; the session limit that comes back is one
   * at any rate, since there is nobody who could end the session by its user.
   *
   * @throws Refusal
   */
  async verify(token: Secret, options: Omit<VerifyOptions, 'trust'>): Promise<VerifiedToken> {
    const verified = await verifyLabToken(token, { ...options, trust: this.#trust })
    const { labSessionSeconds } = this.#limits
    const max = Math.min(verified.claims.max ?? labSessionSeconds, labSessionSeconds)
    return { ...verified, claims: { ...verified.claims, max } }
  }

  /**
   * Before any name is looked up: what the resolver knows is nothing for a tester either.
   *
   * @throws Refusal `target-not-allowed` for anything but the echo host, spoken to as it is
   */
  checkTarget(target: Endpoint, { knd }: Pick<GatewayClaims, 'knd'>): void {
    const asked = formatEndpoint(target)
    if (asked !== this.#echoHost) {
      const detail = `dst: a laboratory's tokens open ${this.#echoHost} alone, not ${asked}`
      throw new Refusal('target-not-allowed', detail)
    }
    if (knd !== 'agent') return
    throw new Refusal('target-not-allowed', 'knd: the echo host is behind no host agent')
  }
}
