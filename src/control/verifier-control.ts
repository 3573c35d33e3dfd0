import { type Clock, errorText, type Log, Refusal } from '../lib/index.ts'
import { createRevocationList, type Purpose } from '../tokens/index.ts'
import { BrokerLedger } from './broker-ledger.ts'
import type { ControlClient, ControlHandlers, Versions } from './client.ts'
import type { RememberedTrust } from './remembered.ts'
import { isNamed, type SessionRegistry, type VerifierSession } from './session-registry.ts'
import type { KillMessage, RevocationMessage, TrustSet } from './to-node.ts'
import type { VerifierLedger } from './verifier-ledger.ts'
import type { VerifierControlOptions } from './verifier-options.ts'
import { LiveTrust } from './verifier-trust.ts'

export interface VerifierControlParts {
  sessions: Pick<SessionRegistry, 'endWhere'>
  ownLedger: VerifierLedger
  /** The log counts issuers of this purpose; absent: of any. */
  purpose?: Purpose
  /** Called when a broker has spoken about trust or clock. */
  tellState?(): void
  /** Kept for the next run beside the sets. */
  alsoRemember?(): Pick<RememberedTrust, 'drain'>
  clock: Clock
  log: Log
}

/** What a broker says to each kind of verifier alone. */
export type OwnHandlers = Pick<
  ControlHandlers,
  'drain' | 'status' | 'message' | 'probe' | 'tunnels'
>

/** Without a change, a confirmation is written down this often: what it costs is age after a restart. */
const REMEMBER_EVERY_MS = 10 * 60 * 1000

/**
 * What every verifier (a node, a host agent) does when a broker speaks: it follows trust and revocations,
 * ends what it is told to, and reports what it has decided without one.
 */
export class VerifierControl {
  readonly client: ControlClient
  readonly trust: LiveTrust
  readonly ledger: BrokerLedger
  /** Our clock minus the broker's, as it last told; 0 before that. */
  clockOffsetMs = 0
  readonly #options: VerifierControlOptions
  readonly #parts: VerifierControlParts
  #rememberedAtMs = 0

  constructor(options: VerifierControlOptions, parts: VerifierControlParts, own: OwnHandlers) {
    this.#options = options
    this.#parts = parts
    const { maxTrustAgeMs: maxAgeMs, development, remembered, whenBrokerAway } = options
    const { sessions, ownLedger, clock, log } = parts
    this.trust = new LiveTrust({ clock, maxAgeMs, development })
    if (remembered !== undefined) this.trust.restore(remembered)
    this.client = options.connect({
      ...own,
      versions: () => this.trust.versions,
      applyTrust: (set) => this.#applyTrust(set),
      applyRevocations: (change) => this.#applyRevocations(change),
      confirm: (current, clockOffsetMs) => this.#confirm(current, clockOffsetMs),
      kill: (message) => this.#kill(message),
      connected: () => this.#reconcile(),
    })
    this.ledger = new BrokerLedger({
      ...{ client: this.client, own: ownLedger, whenBrokerAway, clock, log },
      endSession: (tunnel, reason) => void sessions.endWhere(({ id }) => id === tunnel, reason),
    })
  }

  /**
   * Keeps what holds now for the next run; nothing before the first trust set. A disk that is full must not
   * cost the channel: the sets still apply, and only a restart would miss them.
   */
  remember(): void {
    const { alsoRemember, clock, log } = this.#parts
    const sets = this.trust.remembered
    if (sets === undefined) return
    this.#rememberedAtMs = clock.now()
    try {
      this.#options.remember?.({ ...sets, ...alsoRemember?.() })
    } catch (error) {
      log.error('control.failed', { work: 'remember', error: errorText(error) })
    }
  }

  #applyTrust(set: TrustSet): void {
    const { purpose: ours, tellState, log } = this.#parts
    const before = this.trust.versions.trust
    this.trust.applyTrust(set)
    this.remember()
    if (set.version !== before) {
      const issuers = set.issuers.filter(({ purpose }) => ours === undefined || purpose === ours)
      // One certificate for both purposes is one issuer.
      const thumbprints = new Set(issuers.map(({ sha256Thumbprint }) => sha256Thumbprint))
      log.info('trust.applied', { trustVersion: set.version, issuers: thumbprints.size })
    }
    tellState?.()
  }

  #applyRevocations(change: RevocationMessage): void {
    const fresh = this.trust.applyRevocations(change)
    this.remember()
    if (fresh.length === 0) return
    this.#parts.log.info('revocations.applied', {
      revocationVersion: this.trust.versions.revocations,
      revocations: this.trust.revocations.size,
    })
    const ending = createRevocationList(fresh.filter(({ endSessions }) => endSessions))
    if (ending.size === 0) return
    this.#end(
      ({ token }) => token !== undefined && ending.find(token) !== undefined,
      new Refusal('token-revoked', 'token: revoked while its session was open'),
    )
  }

  #confirm(current: Versions, clockOffsetMs: number): void {
    const { tellState, clock } = this.#parts
    this.clockOffsetMs = clockOffsetMs
    const isCurrent = this.trust.confirm(current)
    tellState?.()
    if (isCurrent && clock.now() - this.#rememberedAtMs >= REMEMBER_EVERY_MS) this.remember()
    // What a slow broker has left unanswered is asked again.
    this.#reconcile()
  }

  #kill({ by, reason }: KillMessage): void {
    const refusal = new Refusal(reason, `ended by the broker: ${Object.keys(by).join()}`)
    this.#end((session) => isNamed(session, by), refusal)
  }

  #end(matches: (session: VerifierSession) => boolean, reason: Refusal): void {
    for (const { log } of this.#parts.sessions.endWhere(matches, reason)) {
      log.info('session.killed', { reason: reason.reason, error: reason.message })
    }
  }

  #reconcile(): void {
    this.ledger.reconcile().catch((error: unknown) => {
      this.#parts.log.error('control.failed', { work: 'reconcile', error: errorText(error) })
    })
  }
}
