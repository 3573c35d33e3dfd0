import { type Clock, Refusal } from '../lib/index.ts'
import { type ClientBinding, clientKey } from './client-address.ts'
import type { Lease, RedeemInput, RedeemLedger } from './redeem.ts'
import { MAX_LEEWAY_SECONDS, type VerifiedToken } from './verify.ts'

/** About 300 bytes each; more valid tokens than this at one time are no farm's normal load. */
const MAX_TOKENS = 100_000
/** Between two walks over all tokens; a walk over 100,000 takes a few milliseconds. */
const SWEEP_INTERVAL_MS = 10_000

export interface MemoryLedgerOptions {
  clock: Clock
  clientBinding: ClientBinding
  /** Default 120. */
  reopenSeconds?: number
  /** Tunnels of one token open at a time; default 2 (a client opens the next before it drops the last). */
  maxOpenTunnels?: number
  /** Tunnels of one token ever; default 10. */
  maxOpens?: number
  /** Tokens remembered; further ones are refused with `limit-reached`. */
  maxTokens?: number
}

/** What is known of a token that was redeemed at least once. */
interface Redeemed {
  /** Same text, same client. */
  client: string
  firstRedeemMs: number
  /** From here on any presentation is refused as expired even when nothing is remembered. */
  forgetAtMs: number
  opens: number
  tunnels: Set<string>
}

/** The rule of DESIGN 4.3 for one node, in this process's memory. */
export function createMemoryLedger(options: MemoryLedgerOptions): RedeemLedger {
  return new MemoryLedger(options)
}

class MemoryLedger implements RedeemLedger {
  readonly reopenSeconds: number
  readonly #options: Required<MemoryLedgerOptions>
  readonly #tokens = new Map<string, Redeemed>()
  #sweptAtMs = 0

  constructor(options: MemoryLedgerOptions) {
    this.#options = {
      reopenSeconds: 120,
      maxOpenTunnels: 2,
      maxOpens: 10,
      maxTokens: MAX_TOKENS,
      ...options,
    }
    this.reopenSeconds = this.#options.reopenSeconds
  }

  // INVARIANT: no await between reading and changing an entry, so that of two simultaneous redeems one is second.
  async redeem({ token, clientAddress, tunnel }: RedeemInput): Promise<Lease> {
    const nowMs = this.#options.clock.now()
    this.#sweep(nowMs)
    const client = clientKey(clientAddress, this.#options.clientBinding)
    if (client === undefined) throw new Refusal('client-mismatch', 'client: address not readable')
    const key = `${token.issuerThumbprint} ${token.claims.jti}`
    const known = this.#tokens.get(key)
    const entry = known ?? this.#create(token, client, nowMs)
    if (known !== undefined) this.#checkAgain(known, token, client, nowMs)
    if (!entry.tunnels.has(tunnel)) this.#open(entry, tunnel)
    this.#tokens.set(key, entry)
    return { release: () => void entry.tunnels.delete(tunnel) }
  }

  #create(token: VerifiedToken, client: string, nowMs: number): Redeemed {
    if (token.expiredBySeconds > 0) {
      throw new Refusal(
        'token-expired',
        `exp: passed ${token.expiredBySeconds} s ago, and the token was not redeemed before`,
      )
    }
    if (this.#tokens.size >= this.#options.maxTokens) {
      throw new Refusal('limit-reached', `redeemed tokens: may have ${this.#options.maxTokens}`)
    }
    return {
      client,
      firstRedeemMs: nowMs,
      forgetAtMs: Math.max(
        (token.claims.exp + MAX_LEEWAY_SECONDS) * 1000,
        nowMs + this.reopenSeconds * 1000,
      ),
      opens: 0,
      tunnels: new Set(),
    }
  }

  /** The checks that only a token which was redeemed before has to pass. */
  #checkAgain(known: Redeemed, token: VerifiedToken, client: string, nowMs: number): void {
    if (client !== known.client) {
      throw new Refusal('client-mismatch', `client: redeemed by ${known.client}, now ${client}`)
    }
    const sinceSeconds = (nowMs - known.firstRedeemMs) / 1000
    if (token.expiredBySeconds > 0 && sinceSeconds > this.reopenSeconds) {
      throw new Refusal(
        'token-expired',
        `exp: passed ${token.expiredBySeconds} s ago, first redeemed ${sinceSeconds} s ago, reopens for ${this.reopenSeconds} s`,
      )
    }
  }

  #open(entry: Redeemed, tunnel: string): void {
    const { maxOpens, maxOpenTunnels } = this.#options
    if (entry.opens >= maxOpens) {
      throw new Refusal('token-replayed', `opens: have ${entry.opens}, may have ${maxOpens}`)
    }
    if (entry.tunnels.size >= maxOpenTunnels) {
      throw new Refusal(
        'token-replayed',
        `open tunnels: have ${entry.tunnels.size}, may have ${maxOpenTunnels}`,
      )
    }
    entry.opens += 1
    entry.tunnels.add(tunnel)
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptAtMs < SWEEP_INTERVAL_MS) return
    this.#sweptAtMs = nowMs
    for (const [key, entry] of this.#tokens) {
      if (entry.forgetAtMs < nowMs) this.#tokens.delete(key)
    }
  }
}
