import { type Clock, formatEndpoint, type Log } from '../lib/index.ts'
import type { ClientBinding, RedeemLedger, TrustList } from '../tokens/index.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import type { GatewayOptions } from './options.ts'
import { Quota } from './quota.ts'
import { SessionRegistry } from './sessions.ts'
import { createTargetPolicy, nodeAddresses, type TargetPolicy } from './targets.ts'

/** What all tunnels of one node share. */
export class GatewayNode {
  readonly farmName: string
  readonly trust: TrustList
  readonly ledger: RedeemLedger
  readonly clientBinding: ClientBinding
  /** As tokens name them: `host:port`. */
  readonly fedAuthHosts: readonly string[] | undefined
  readonly leewaySeconds: number
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
  readonly targets: TargetPolicy
  readonly sessions = new SessionRegistry()
  /** Connections without a tunnel. */
  readonly halfOpen: Quota
  readonly tunnels: Quota
  /** Set by drain and close: no new tunnel is admitted. */
  draining = false

  constructor(options: GatewayOptions) {
    this.farmName = options.farmName
    this.trust = options.trust
    this.ledger = options.ledger
    this.clientBinding = options.clientBinding
    this.fedAuthHosts = options.fedAuthHosts?.map(formatEndpoint)
    this.leewaySeconds = options.leewaySeconds
    this.clock = options.clock
    this.log = options.log.child({ node: options.node })
    this.limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.targets = createTargetPolicy(options.targets.allow, nodeAddresses())
    this.halfOpen = new Quota(this.limits.maxHalfOpen, this.limits.maxHalfOpenPerAddress)
    this.tunnels = new Quota(this.limits.maxTunnels, this.limits.maxTunnelsPerAddress)
  }

  /** Whether a balancer should send new clients here. */
  get ready(): boolean {
    return !this.draining && this.trust.issuers.length > 0
  }
}
