import type { ControlClient, ControlHandlers } from './client.ts'
import type { RememberedTrust } from './remembered.ts'

/** How a verifier (a node, a host agent) takes part in a farm that brokers lead. */
export interface VerifierControlOptions {
  /** Makes the channel's client, not started. */
  connect(handlers: ControlHandlers): ControlClient
  /** Older than this since a broker's last word, and trust is stale: nobody is admitted. */
  maxTrustAgeMs: number
  /** Who decides about a redeem that no broker answers. */
  whenBrokerAway: 'local' | 'refuse'
  /** Takes issuers with development certificates. */
  development: boolean
  /** The sets of the last run. */
  remembered?: RememberedTrust
  /** Keeps both sets for the next run; called after every change and now and then without one. */
  remember?(sets: RememberedTrust): void
}
