import {
  FixedTrust,
  type NodeState,
  type NodeStatus,
  SessionRegistry,
  type VerifierControl,
  type VerifierLedger,
  type VerifierTrust,
} from '../control/index.ts'
import {
  type Clock,
  formatEndpoint,
  type Log,
  STRANGERS_REQUESTS,
  strangerLevel,
} from '../lib/index.ts'
import type { ClientBinding, TrustList } from '../tokens/index.ts'
import type { AgentSecurity } from './agent-connection.ts'
import { BrokerAddresses } from './broker-addresses.ts'
import { createNodeControl } from './control/node-control.ts'
import { tapSessionEvents } from './control/session-events.ts'
import { Drain } from './drain.ts'
import { withEventNumbers } from './event-numbers.ts'
import { HalfOpen } from './half-open.ts'
import { LabAccess } from './lab.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { type GatewayObserver, NO_OBSERVER } from './observer.ts'
import type { GatewayOptions } from './options.ts'
import { createProber, type Prober } from './probe/index.ts'
import { Quota } from './quota.ts'
import { ReadBuffers } from './read-buffers.ts'
import type { Session } from './sessions.ts'
import { createTargetPolicy, nodeAddresses, type TargetPolicy } from './targets.ts'
import { Tracer } from './trace.ts'

/** What all tunnels of one node share. */
export class GatewayNode {
  readonly farmName: string
  readonly trust: VerifierTrust
  readonly ledger: VerifierLedger
  /** The node's end of the control channel; undefined for a node on its own. */
  readonly control: VerifierControl | undefined
  /** How host agents are dialled; undefined: none is. */
  agents: AgentSecurity | undefined
  readonly clientBinding: ClientBinding
  /** As tokens name them: `host:port`. */
  readonly fedAuthHosts: readonly string[] | undefined
  /** For a laboratory's tokens; undefined: there are none. */
  readonly lab: LabAccess | undefined
  readonly consentText: string | undefined
  readonly leewaySeconds: number
  readonly clock: Clock
  readonly log: Log
  /** At which level to log the next refusal of somebody who has proven nothing. */
  readonly strangerLevel: () => 'warn' | 'debug'
  readonly observer: GatewayObserver
  readonly limits: Limits
  readonly targets: TargetPolicy
  readonly readBuffers = new ReadBuffers()
  readonly sessions = new SessionRegistry<Session>()
  /** Connections without a tunnel. */
  readonly halfOpen: HalfOpen
  readonly tunnels: Quota
  readonly drain: Drain
  /** Looks at hosts when its broker asks. */
  readonly tracer: Tracer | undefined
  readonly prober: Prober
  /** Set by close: no new tunnel is admitted. */
  stopping = false

  #toldState: NodeState | undefined

  constructor(options: GatewayOptions) {
    this.farmName = options.farmName
    this.agents = options.agents
    this.clientBinding = options.clientBinding
    this.fedAuthHosts = options.fedAuthHosts?.map(formatEndpoint)
    this.consentText = options.consentText
    this.leewaySeconds = options.leewaySeconds
    this.clock = options.clock
    this.strangerLevel = strangerLevel(options.clock, STRANGERS_REQUESTS)
    this.observer = options.observer ?? NO_OBSERVER
    this.tracer = options.trace && new Tracer(this.clock, options.trace)
    const log = withEventNumbers(options.log.child({ node: options.node }))
    this.drain = new Drain({
      sessions: this.sessions,
      clock: this.clock,
      log,
      tellState: () => this.tellState(),
      report: () => this.control?.client.report(),
    })
    const { allow, brokers: hosts = [] } = options.targets
    const brokers = new BrokerAddresses({ hosts, clock: this.clock })
    this.targets = createTargetPolicy(allow, nodeAddresses(), brokers)
    this.prober = createProber({
      policy: this.targets,
      agents: () => this.agents,
      clock: this.clock,
      tell: (result) => this.control?.client.probed(result),
    })
    if (options.control === undefined) {
      this.trust = new FixedTrust(options.trust)
      this.ledger = options.ledger
      this.log = log
    } else {
      const { clock, sessions, drain, prober } = this
      const control = createNodeControl(options.control, {
        ...{ sessions, drain, prober, ownLedger: options.ledger, clock, log },
        status: () => this.status,
        tellState: () => this.tellState(),
      })
      this.trust = control.trust
      this.ledger = control.ledger
      this.control = control
      this.log = tapSessionEvents(log, clock, (event) => control.client.event(event))
    }
    this.limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.lab = options.lab && new LabAccess(options.lab, this.limits)
    this.halfOpen = new HalfOpen(this.limits)
    this.tunnels = new Quota(this.limits.maxTunnels, this.limits.maxTunnelsPerAddress)
  }

  /** Trust that a broker keeps stays the broker's. */
  replaceTrust(list: TrustList): void {
    if (!(this.trust instanceof FixedTrust)) return
    this.trust.replace(list)
    this.tellState()
  }

  /** Whether new tunnels are refused, whatever their tokens say. */
  get draining(): boolean {
    return this.stopping || this.drain.order !== undefined
  }

  /** Whether a balancer should send new clients here. */
  get ready(): boolean {
    return !this.draining && this.trust.refusal === undefined && !this.#clockIsOff
  }

  /** Tells log and broker whether clients should come here, once it has changed; a drain tells of itself. */
  tellState(): void {
    const { state, reason } = this.status
    if (state === this.#toldState) return
    this.#toldState = state
    if (state === 'draining') return
    this.log.info('node.state', {
      state,
      ...(reason === undefined ? {} : { reason }),
      ...(this.#clockIsOff ? { clockOffsetMs: this.control?.clockOffsetMs } : {}),
    })
    this.control?.client.report()
  }

  get status(): NodeStatus {
    const tunnels = this.sessions.holding().length
    if (this.draining) return { state: 'draining', tunnels }
    const { refusal } = this.trust
    if (refusal !== undefined) return { state: 'degraded', reason: refusal.reason, tunnels }
    return { state: this.#clockIsOff ? 'degraded' : 'ready', tunnels }
  }

  /** It would take good tokens for expired, or expired ones for good. */
  get #clockIsOff(): boolean {
    return Math.abs(this.control?.clockOffsetMs ?? 0) > this.leewaySeconds * 1000
  }
}
