import type { Secret } from '../lib/index.ts'
import type { Lease, RedeemInput } from '../tokens/index.ts'

export interface NodeRedeemInput extends RedeemInput {
  /** The token as the client presented it, for a broker to verify again. */
  presented: Secret
}

/** A place among the openings of a token. */
export interface NodeLease extends Lease {
  /** What the broker wants the user to agree to; absent: it has nothing to say about that. */
  consentText?: string
}

/** Decides how often a token may open a tunnel: this node's own memory, or a broker for the whole farm. */
export interface NodeLedger {
  /** How long after its first redeem a token may be presented again even past `exp`. */
  readonly reopenSeconds: number
  /** @throws Refusal as `RedeemLedger.redeem`, and `broker-unreachable` */
  redeem(input: NodeRedeemInput): Promise<NodeLease>
}
