import type { Secret } from '../lib/index.ts'
import type { Lease, RedeemInput } from '../tokens/index.ts'

export interface VerifierRedeem extends RedeemInput {
  /** The token as the client presented it, for a broker to verify again. */
  presented: Secret
}

/** A place among the openings of a token. */
export interface VerifierLease extends Lease {
  /** What the broker wants the user to agree to; absent: it has nothing to say about that. */
  consentText?: string
  /** What support knows the grant by; absent where no broker has said so, and for nodes. */
  ref?: string
}

/** Decides how often a token may open a tunnel: the verifier's own memory, or a broker for all of them. */
export interface VerifierLedger {
  /** How long after its first redeem a token may be presented again even past `exp`. */
  readonly reopenSeconds: number
  /** @throws Refusal as `RedeemLedger.redeem`, and `broker-unreachable` */
  redeem(input: VerifierRedeem): Promise<VerifierLease>
}
