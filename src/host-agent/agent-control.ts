import {
  BrokerLedger,
  type ControlClient,
  type ControlHandlers,
  type KillMessage,
  type LiveTrust,
  type RevocationMessage,
  sessionEvent,
  type TrustSet,
  type VerifierControlOptions,
  type VerifierLedger,
  type Versions,
} from '../control/index.ts'
import { type Clock, errorText, type Log, type LogFields, Refusal } from '../lib/index.ts'
import { createRevocationList } from '../tokens/index.ts'
import type { Session, SessionRegistry } from './sessions.ts'

export interface AgentControlParts {
  trust: LiveTrust
  sessions: SessionRegistry
  ownLedger: VerifierLedger
  clock: Clock
  log: Log
}

/** Without a change, a confirmation is written down this often: what it costs is age after a restart. */
const REMEMBER_EVERY_MS = 10 * 60 * 1000

/** What an agent does when a broker speaks: it follows trust and revocations, and ends what it is told to. */
export class AgentControl implements ControlHandlers {
  readonly client: ControlClient
  readonly ledger: BrokerLedger
  /** Our clock minus the broker's, as it last told; 0 before that. */
  clockOffsetMs = 0
  readonly #options: VerifierControlOptions
  readonly #parts: AgentControlParts
  #rememberedAtMs = 0

  constructor(options: VerifierControlOptions, parts: AgentControlParts) {
    this.#options = options
    this.#parts = parts
    const { trust, sessions, ownLedger, clock, log } = parts
    if (options.remembered !== undefined) trust.restore(options.remembered)
    this.client = options.connect(this)
    this.ledger = new BrokerLedger({
      client: this.client,
      own: ownLedger,
      whenBrokerAway: options.whenBrokerAway,
      clock,
      log,
      endSession: (tunnel, reason) => void sessions.endWhere(({ id }) => id === tunnel, reason),
    })
  }

  versions(): Versions {
    return this.#parts.trust.versions
  }

  applyTrust(set: TrustSet): void {
    const { trust, log } = this.#parts
    const before = trust.versions.trust
    trust.applyTrust(set)
    this.#remember()
    if (set.version === before) return
    const issuers = set.issuers.filter(({ purpose }) => purpose === 'host').length
    log.info('trust.applied', { trustVersion: set.version, issuers })
  }

  applyRevocations(change: RevocationMessage): void {
    const { trust, log } = this.#parts
    const fresh = trust.applyRevocations(change)
    this.#remember()
    if (fresh.length === 0) return
    const revocationVersion = trust.versions.revocations
    log.info('revocations.applied', { revocationVersion, revocations: trust.revocations.size })
    const ending = createRevocationList(fresh.filter(({ endSessions }) => endSessions))
    this.#end(
      ({ token }) => token !== undefined && ending.find(token) !== undefined,
      new Refusal('token-revoked', 'token: revoked while its session was open'),
    )
  }

  confirm(current: Versions, clockOffsetMs: number): void {
    const { trust, clock } = this.#parts
    this.clockOffsetMs = clockOffsetMs
    const isCurrent = trust.confirm(current)
    if (isCurrent && clock.now() - this.#rememberedAtMs >= REMEMBER_EVERY_MS) this.#remember()
    // What a slow broker has left unanswered is asked again.
    this.#reconcile()
  }

  /** Agents are not taken out of service by a broker: hosts are. */
  drain(): void {}

  status(): undefined {
    return undefined
  }

  /** A host token names neither tenant nor user: the nodes end those sessions, and with them ours. */
  kill({ by, reason }: KillMessage): void {
    const refusal = new Refusal(reason, `ended by the broker: ${Object.keys(by).join()}`)
    this.#end((session) => isNamed(session, by), refusal)
  }

  /** A console can't be told anything. */
  message(): void {}

  tunnels(): { tunnel: string }[] {
    return this.#parts.sessions.holding().map(({ id }) => ({ tunnel: id }))
  }

  connected(): void {
    this.#reconcile()
  }

  /** So that the broker can say why a console that it has opened was refused here. */
  tellRefused({ jti, vm, host, remoteAddress, reason, error }: LogFields): void {
    const event = sessionEvent.safeParse({
      ...{ type: 'event', event: 'host.refused', time: this.#parts.clock.now() },
      fields: { jti, vm, host, remoteAddress, reason, error },
    })
    if (event.success) this.client.event(event.data)
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

  /** A disk that is full must not cost the channel: the sets still apply, and only a restart would miss them. */
  #remember(): void {
    const { trust, clock, log } = this.#parts
    const sets = trust.remembered
    if (sets === undefined) return
    this.#rememberedAtMs = clock.now()
    try {
      this.#options.remember?.(sets)
    } catch (error) {
      log.error('control.failed', { work: 'remember', error: errorText(error) })
    }
  }
}

function isNamed({ id, token }: Session, by: KillMessage['by']): boolean {
  if ('tunnel' in by) return by.tunnel === id
  if ('jti' in by) return by.jti === token?.claims.jti
  return 'vm' in by && by.vm === token?.claims.vm
}
