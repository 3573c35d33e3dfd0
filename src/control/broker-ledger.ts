import { BrokerError, type Clock, type Log, type Reason, Refusal } from '../lib/index.ts'
import type { Lease } from '../tokens/index.ts'
import type { ControlClient } from './client.ts'
import type { RedeemAnswer } from './to-node.ts'
import type { VerifierLease, VerifierLedger, VerifierRedeem } from './verifier-ledger.ts'

/** About 2 KiB each with its token; an outage that sees more of them forgets the oldest. */
const MAX_UNREPORTED = 10_000

export interface BrokerLedgerOptions {
  client: Pick<ControlClient, 'redeem' | 'release'>
  /** This process's memory: it decides when no broker does, and remembers what brokers have admitted. */
  own: VerifierLedger
  whenBrokerAway: 'local' | 'refuse'
  clock: Clock
  log: Log
  /** The broker knows better: the session of this tunnel has to end. */
  endSession(tunnel: string, reason: Refusal): void
}

/** What this process has decided by itself and no broker knows yet. */
interface Unreported {
  input: VerifierRedeem
  decidedAt: number
  /** The tunnel is over; `reason` is why, where that is known. */
  ended?: { reason: Reason | undefined }
}

/** Redeems at the broker; without an answer within a second, as configured (DESIGN 4.4). */
export class BrokerLedger implements VerifierLedger {
  readonly reopenSeconds: number
  readonly #options: BrokerLedgerOptions
  /** By tunnel, in the order of the decisions. */
  readonly #unreported = new Map<string, Unreported>()
  #reporting = false

  constructor(options: BrokerLedgerOptions) {
    this.#options = options
    this.reopenSeconds = options.own.reopenSeconds
  }

  async redeem(input: VerifierRedeem): Promise<VerifierLease> {
    const answer = await this.#ask(input)
    if (answer === undefined) return this.#decideAlone(input)
    if (!answer.ok) throw new Refusal(answer.reason, 'redeem: refused by the broker')
    const own = await this.#remember(input)
    const { ok: _, ...granted } = answer
    // The lease lives as long as the tunnel; the token's text in the input must not.
    const { tunnel } = input
    return {
      ...granted,
      release: (reason) => {
        own?.release(reason)
        this.#options.client.release(tunnel, reason)
      },
    }
  }

  /** Reports what was decided without a broker, one by one; stops when the broker is away again. */
  async reconcile(): Promise<void> {
    if (this.#reporting) return
    this.#reporting = true
    try {
      for (const [tunnel, entry] of this.#unreported) {
        const answer = await this.#ask(entry.input, entry.decidedAt)
        if (answer === undefined) return
        this.#unreported.delete(tunnel)
        if (!answer.ok) this.#onConflict(entry, answer.reason)
        // Also when refused: the redeem that had no answer in time may have let it in.
        if (entry.ended !== undefined) this.#options.client.release(tunnel, entry.ended.reason)
      }
    } finally {
      this.#reporting = false
    }
  }

  /** @returns undefined when no broker answers */
  async #ask(
    { presented, clientAddress, tunnel }: VerifierRedeem,
    decidedAt?: number,
  ): Promise<RedeemAnswer | undefined> {
    try {
      return await this.#options.client.redeem({
        token: presented,
        clientAddress,
        tunnel,
        ...(decidedAt === undefined ? {} : { decidedAt }),
      })
    } catch (error) {
      if (error instanceof BrokerError && error.code === 'ERR_NO_ANSWER') return undefined
      throw error
    }
  }

  /** @throws Refusal; the broker, which may only have been slow, is told that nothing came of the tunnel */
  async #decideAlone(input: VerifierRedeem): Promise<Lease> {
    try {
      return await this.#decide(input)
    } catch (error) {
      this.#options.client.release(input.tunnel, 'broker-unreachable')
      throw error
    }
  }

  async #decide(input: VerifierRedeem): Promise<Lease> {
    const { own, whenBrokerAway, clock, client } = this.#options
    if (whenBrokerAway === 'refuse') {
      throw new Refusal('broker-unreachable', 'redeem: no broker answers')
    }
    const lease = await own.redeem(input)
    const { tunnel } = input
    const entry: Unreported = { input, decidedAt: clock.now() }
    this.#unreported.set(tunnel, entry)
    this.#forgetOldest()
    return {
      ...lease,
      release: (reason) => {
        lease.release(reason)
        if (this.#unreported.has(tunnel)) entry.ended = { reason }
        else client.release(tunnel, reason)
      },
    }
  }

  /** So that this process goes on with what it knows when the broker goes away. */
  async #remember(input: VerifierRedeem): Promise<Lease | undefined> {
    try {
      return await this.#options.own.redeem(input)
    } catch (error) {
      // The broker knows more than this memory, and has decided.
      if (error instanceof Refusal) return undefined
      throw error
    }
  }

  #onConflict({ input, decidedAt, ended }: Unreported, reason: Reason): void {
    const { tunnel, clientAddress, token } = input
    this.#options.log.warn('redeem.conflict', {
      tunnel,
      remoteAddress: clientAddress,
      jti: token.claims.jti,
      reason,
      error: `admitted at ${new Date(decidedAt).toISOString()} while no broker answered`,
    })
    if (ended !== undefined) return
    const conflict = new Refusal('superseded', `redeem: the broker says ${reason}`)
    this.#options.endSession(tunnel, conflict)
  }

  #forgetOldest(): void {
    if (this.#unreported.size <= MAX_UNREPORTED) return
    for (const tunnel of this.#unreported.keys()) {
      this.#unreported.delete(tunnel)
      return
    }
  }
}
