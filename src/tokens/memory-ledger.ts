import { type Clock, Refusal } from '../lib/index.ts'
import { type ClientBinding, clientKey } from './client-address.ts'
import type { Lease, Presentable, RedeemInput, RedeemLedger } from './redeem.ts'
import {
  DEFAULT_REDEEM_RULE,
  decideRedeem,
  endTunnel,
  forgetRedeemAtMs,
  type RedeemRule,
  type RedeemState,
} from './redeem-rule.ts'

/** About 300 bytes each; more valid tokens than this at one time are no farm's normal load. */
const MAX_TOKENS = 100_000
/** Between two walks over all tokens; a walk over 100,000 takes a few milliseconds. */
const SWEEP_INTERVAL_MS = 10_000

export interface MemoryLedgerOptions extends Partial<RedeemRule> {
  clock: Clock
  clientBinding: ClientBinding
  /** Tokens remembered; further ones are refused with `limit-reached`. */
  maxTokens?: number
}

interface Entry {
  state: RedeemState
  /** Undefined when the token names none; then it has no reconnect window either. */
  vm: string | undefined
  exp: number
  reconnectSeconds: number
}

/** The redeem rule for one node, in this process's memory. */
export function createMemoryLedger(options: MemoryLedgerOptions): RedeemLedger {
  return new MemoryLedger(options)
}

class MemoryLedger implements RedeemLedger {
  readonly reopenSeconds: number
  readonly #rule: RedeemRule
  readonly #clock: Clock
  readonly #clientBinding: ClientBinding
  readonly #maxTokens: number
  readonly #entries = new Map<string, Entry>()
  /** The newest console of each VM, where its token has a reconnect window. */
  readonly #windows = new Map<string | undefined, Entry>()
  #sweptAtMs = 0

  constructor({ clock, clientBinding, maxTokens = MAX_TOKENS, ...rule }: MemoryLedgerOptions) {
    this.#rule = { ...DEFAULT_REDEEM_RULE, ...rule }
    this.#clock = clock
    this.#clientBinding = clientBinding
    this.#maxTokens = maxTokens
    this.reopenSeconds = this.#rule.reopenSeconds
  }

  // INVARIANT: no await between reading and changing an entry, so that of two simultaneous redeems one is second.
  async redeem({ token, clientAddress, tunnel }: RedeemInput): Promise<Lease> {
    const nowMs = this.#clock.now()
    this.#sweep(nowMs)
    const client = clientKey(clientAddress, this.#clientBinding)
    if (client === undefined) throw new Refusal('client-mismatch', 'client: address not readable')
    const { claims, expiredBySeconds } = token
    const { vm, exp, rcw: reconnectSeconds = 0, max: sessionSeconds = 0 } = claims
    const key = redeemKey(token)
    const known = this.#entries.get(key)
    const attempt = {
      ...{ client, tunnel, nowMs, expiredBySeconds },
      ...{ reconnectSeconds, sessionSeconds },
    }
    const decision = decideRedeem(known?.state, attempt, this.#rule)
    if (!decision.ok) throw new Refusal(decision.reason, decision.detail)
    if (known === undefined && this.#entries.size >= this.#maxTokens) {
      throw new Refusal('limit-reached', `redeemed tokens: may have ${this.#maxTokens}`)
    }
    const entry = known ?? { state: decision.state, vm, exp, reconnectSeconds }
    entry.state = decision.state
    if (known === undefined) this.#add(key, entry)
    return {
      sessionAgeSeconds: (nowMs - entry.state.firstRedeemMs) / 1000,
      release: (reason) => {
        entry.state = endTunnel(entry.state, tunnel, this.#clock.now(), reason)
      },
    }
  }

  /** A new console of a VM ends the reconnect window of the one before. */
  #add(key: string, entry: Entry): void {
    this.#entries.set(key, entry)
    const older = this.#windows.get(entry.vm)
    if (older !== undefined) older.state = { ...older.state, superseded: true }
    this.#windows.delete(entry.vm)
    if (entry.reconnectSeconds > 0) this.#windows.set(entry.vm, entry)
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptAtMs < SWEEP_INTERVAL_MS) return
    this.#sweptAtMs = nowMs
    for (const [key, entry] of this.#entries) {
      if (forgetRedeemAtMs(entry.state, entry, this.#rule) >= nowMs) continue
      this.#entries.delete(key)
      if (this.#windows.get(entry.vm) === entry) this.#windows.delete(entry.vm)
    }
  }
}

/** What a ledger knows a token by: its issuer's certificate and `jti`, never its text. */
export function redeemKey({
  issuerThumbprint,
  claims,
}: Pick<Presentable, 'issuerThumbprint' | 'claims'>): string {
  return `${issuerThumbprint} ${claims.jti}`
}
