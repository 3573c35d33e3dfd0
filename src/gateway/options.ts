import type { VerifierLedger } from '../control/index.ts'
import type { Clock, Endpoint, Log } from '../lib/index.ts'
import type { ClientBinding, TrustList } from '../tokens/index.ts'
import type { AgentSecurity } from './agent-connection.ts'
import type { NodeControlOptions } from './control/node-control.ts'
import type { LabOptions } from './lab.ts'
import type { Limits } from './limits.ts'
import type { ListenerAddress, TlsFiles } from './listener.ts'
import type { GatewayObserver } from './observer.ts'
import type { TargetRule } from './targets.ts'
import type { WriteTrace } from './trace.ts'

/** All that a node needs; it reads no configuration and no file by itself. */
export interface GatewayOptions {
  /** This node's name in the farm, for the log. */
  node: string
  /** The audience that tokens must name. */
  farmName: string
  listeners: readonly ListenerAddress[]
  tls: TlsFiles
  /** Issuers whose tokens are admitted; with none the node is not ready. Without effect where there is `control`. */
  trust: TrustList
  /** Decides how often a token may open a tunnel, where no broker does. */
  ledger: VerifierLedger
  /** Brokers that keep trust and revocations and decide about redeems; absent: the node is on its own. */
  control?: NodeControlOptions
  /** The only hosts that may be dialled; the brokers, by name or address, only by a rule for just that address. */
  targets: { allow: readonly TargetRule[]; brokers?: readonly string[] }
  /** How host agents are dialled; absent: no token for a machine behind one opens anything. */
  agents?: AgentSecurity
  /** How closely the two halves of an HTTP pair must come from one client. */
  clientBinding: ClientBinding
  /**
   * FedAuth tokens are admitted as well, towards these hosts alone: Hyper-V hosts that verify a
   * token of their own, since FedAuth names no VM. Absent: no FedAuth token is admitted.
   */
  fedAuthHosts?: readonly Endpoint[]
  /** Lets a laboratory's tokens in, towards one echo host; absent: their issuer is unknown. */
  lab?: LabOptions
  /** What users have to agree to where no broker says otherwise; absent for nothing. */
  consentText?: string
  /** Clock difference to the issuer to forgive, 0 to 30. */
  leewaySeconds: number
  clock: Clock
  log: Log
  /** Counts; nobody does when absent. */
  observer?: GatewayObserver
  /** Gets one tunnel's packets in words; for development, since it takes time on every packet. */
  trace?: WriteTrace
  /** Those that differ from `DEFAULT_LIMITS`. */
  limits?: Partial<Limits>
}
