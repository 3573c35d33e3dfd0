import type { Peer, VerifierControlOptions, VerifierLedger } from '../control/index.ts'
import type { Clock, Endpoint, Log } from '../lib/index.ts'
import type { TrustList } from '../tokens/index.ts'
import type { Consoles } from './consoles.ts'
import type { AgentLimits } from './limits.ts'
import type { AgentObserver } from './observer.ts'

/** What nodes are shown, and whose certificates they have to show. */
export interface NodeCertificate {
  certificatePem: string
  privateKeyPem: string
  /** PEM of the control CA: nobody else's certificates get as far as a byte. */
  ca: string
}

/** How nodes prove themselves, and the agent itself to them. */
export interface NodeSecurity extends NodeCertificate {
  /** Who a certificate (DER), which the control CA has signed, belongs to; of its peers only a node is taken. */
  identify(certificate: Uint8Array): Peer | undefined
}

/** All that an agent needs; it reads no configuration and no file by itself. */
export interface HostAgentOptions {
  /** Its own name, for the log. */
  agent: string
  /** Id of this host in the inventory: the audience that host tokens must name. */
  host: string
  listen: Endpoint
  /** `plain`: no TLS, and whoever reaches the port is taken for a node. */
  security: NodeSecurity | 'plain'
  /** Issuers whose tokens are admitted. Without effect where there is `control`. */
  trust: TrustList
  /** Decides how often a token may open a session, where no broker does. */
  ledger: VerifierLedger
  /** Brokers that keep trust and revocations and decide about redeems; absent: the agent is on its own. */
  control?: VerifierControlOptions
  consoles: Consoles
  /** Clock difference to the issuer to forgive, 0 to 30. */
  leewaySeconds: number
  clock: Clock
  log: Log
  /** Counts; nobody does when absent. */
  observer?: AgentObserver
  /** Those that differ from `DEFAULT_AGENT_LIMITS`. */
  limits?: Partial<AgentLimits>
}
