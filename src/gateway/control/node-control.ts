import {
  BrokerLedger,
  type ControlClient,
  type ControlHandlers,
  type KillMessage,
  type LiveTrust,
  type NodeStatus,
  type ProbeMessage,
  type RememberedTrust,
  type RevocationMessage,
  type TrustSet,
  type TunnelUsage,
  type UserMessage,
  type VerifierControlOptions,
  type VerifierLedger,
  type Versions,
} from '../../control/index.ts'
import { type Clock, errorText, type Log, Refusal } from '../../lib/index.ts'
import { createRevocationList } from '../../tokens/index.ts'
import type { Drain, TimedDrainOrder } from '../drain.ts'
import type { Prober } from '../probe/index.ts'
import type { Session, SessionRegistry } from '../sessions.ts'
import { UsageSampler } from './usage.ts'

export type NodeControlOptions = VerifierControlOptions

export interface NodeControlParts {
  trust: LiveTrust
  drain: Drain
  prober: Pick<Prober, 'ask'>
  /** How the node stands. */
  service: {
    status(): NodeStatus
    /** Called when trust or clock has changed, on which the state depends. */
    tellState(): void
  }
  sessions: SessionRegistry
  ownLedger: VerifierLedger
  clock: Clock
  log: Log
}

/** Without a change, a confirmation is written down this often: what it costs is age after a restart. */
const REMEMBER_EVERY_MS = 10 * 60 * 1000

/** What a node does when a broker speaks: one method for each message that can come. */
export class NodeControl implements ControlHandlers {
  readonly client: ControlClient
  readonly ledger: BrokerLedger
  /** Our clock minus the broker's, as it last told; 0 before that. */
  clockOffsetMs = 0
  readonly #options: NodeControlOptions
  readonly #parts: NodeControlParts
  readonly #usage = new UsageSampler()
  #rememberedAtMs = 0

  constructor(options: NodeControlOptions, parts: NodeControlParts) {
    this.#options = options
    this.#parts = parts
    const { sessions, ownLedger, clock, log } = parts
    if (options.remembered !== undefined) this.#restore(options.remembered)
    this.client = options.connect(this)
    this.ledger = new BrokerLedger({
      client: this.client,
      own: ownLedger,
      whenBrokerAway: options.whenBrokerAway,
      clock,
      log,
      endSession: (tunnel, reason) => {
        sessions.endWhere(({ id }) => id === tunnel, reason)
      },
    })
  }

  versions(): Versions {
    return this.#parts.trust.versions
  }

  applyTrust(set: TrustSet): void {
    const { trust, service, log } = this.#parts
    const before = trust.versions.trust
    trust.applyTrust(set)
    this.#remember()
    if (set.version !== before) {
      const thumbprints = set.issuers.map(({ sha256Thumbprint }) => sha256Thumbprint)
      // One certificate for both purposes is one issuer.
      log.info('trust.applied', { trustVersion: set.version, issuers: new Set(thumbprints).size })
    }
    service.tellState()
  }

  applyRevocations(change: RevocationMessage): void {
    const { trust, log } = this.#parts
    const fresh = trust.applyRevocations(change)
    this.#remember()
    if (fresh.length === 0) return
    log.info('revocations.applied', {
      revocationVersion: trust.versions.revocations,
      revocations: trust.revocations.size,
    })
    const ending = createRevocationList(fresh.filter(({ endSessions }) => endSessions))
    if (ending.size === 0) return
    this.#end(
      ({ token }) => token !== undefined && ending.find(token) !== undefined,
      new Refusal('token-revoked', 'token: revoked while its session was open'),
    )
  }

  confirm(current: Versions, clockOffsetMs: number): void {
    const { trust, service, clock } = this.#parts
    this.clockOffsetMs = clockOffsetMs
    service.tellState()
    const isCurrent = trust.confirm(current)
    if (isCurrent && clock.now() - this.#rememberedAtMs >= REMEMBER_EVERY_MS) this.#remember()
    // What a slow broker has left unanswered is asked again.
    this.#reconcile()
  }

  drain(order: TimedDrainOrder | undefined): void {
    if (this.#parts.drain.apply(order)) this.#remember()
  }

  status(): NodeStatus {
    return this.#parts.service.status()
  }

  kill({ by, reason }: KillMessage): void {
    const refusal = new Refusal(reason, `ended by the broker: ${Object.keys(by).join()}`)
    this.#end((session) => isNamed(session, by), refusal)
  }

  message({ by, text }: UserMessage): void {
    const { sessions } = this.#parts
    for (const { log } of sessions.messageWhere((session) => isNamed(session, by), text)) {
      log.info('session.messaged', { characters: text.length })
    }
  }

  probe({ hosts, urgent }: ProbeMessage): void {
    this.#parts.prober.ask(hosts, urgent)
  }

  tunnels(): TunnelUsage[] {
    const { sessions, clock } = this.#parts
    const nowMs = clock.now()
    return sessions.holding().map((session) => this.#usage.sample(session, nowMs))
  }

  connected(): void {
    this.#reconcile()
  }

  #end(matches: (session: Session) => boolean, reason: Refusal): void {
    for (const { log } of this.#parts.sessions.endWhere(matches, reason)) {
      log.info('session.killed', { reason: reason.reason, error: reason.message })
    }
  }

  #reconcile(): void {
    this.ledger.reconcile().catch((error: unknown) => {
      this.#parts.log.error('control.failed', { work: 'reconcile', error: errorText(error) })
    })
  }

  #restore(remembered: RememberedTrust): void {
    const { trust, drain, clock } = this.#parts
    trust.restore(remembered)
    // The deadline is the broker's time, but nobody is here to whom it would matter.
    const { drain: order } = remembered
    if (order !== undefined) drain.apply({ ...order, leftMs: order.deadline - clock.now() })
  }

  /** A disk that is full must not cost the channel: the sets still apply, and only a restart would miss them. */
  #remember(): void {
    const { trust, drain, clock, log } = this.#parts
    const sets = trust.remembered
    if (sets === undefined) return
    this.#rememberedAtMs = clock.now()
    const { order } = drain
    try {
      this.#options.remember?.({ ...sets, ...(order === undefined ? {} : { drain: order }) })
    } catch (error) {
      log.error('control.failed', { work: 'remember', error: errorText(error) })
    }
  }
}

function isNamed({ id, token }: Session, by: KillMessage['by']): boolean {
  if ('tunnel' in by) return by.tunnel === id
  if (token === undefined) return false
  const { jti, vm, tid, sub } = token.claims
  if ('jti' in by) return by.jti === jti
  if ('vm' in by) return by.vm === vm
  if ('tenant' in by) return by.tenant === tid
  return by.user === sub
}
