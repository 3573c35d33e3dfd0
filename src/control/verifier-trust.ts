import { BrokerError, type Clock, Refusal } from '../lib/index.ts'
import {
  createRevocationList,
  createTrustListFromPem,
  type Revocation,
  type RevocationList,
  type TrustList,
} from '../tokens/index.ts'
import type { Versions } from './client.ts'
import type { RememberedTrust } from './remembered.ts'
import { MAX_REVOCATIONS, type RevocationMessage, type TrustSet } from './to-node.ts'

/** Whom a verifier (a node, a host agent) trusts and what is revoked, as it stands now; read afresh at every decision. */
export interface VerifierTrust {
  readonly list: TrustList
  readonly revocations: RevocationList
  /** Why nobody may be admitted at all: no trust, or trust that nobody has confirmed for too long. */
  readonly refusal: Refusal | undefined
  /** Undefined where no broker keeps it, and before the first set. */
  readonly version: number | undefined
  /** When a broker last said that it is current, in ms since 1970. */
  readonly confirmedMs: number | undefined
}

/** The list of a verifier without brokers: it never ages, and changes when its operator changes it. */
export class FixedTrust implements VerifierTrust {
  readonly revocations = createRevocationList([])
  readonly version = undefined
  readonly confirmedMs = undefined
  #list: TrustList

  constructor(list: TrustList) {
    this.#list = list
  }

  get list(): TrustList {
    return this.#list
  }

  get refusal(): Refusal | undefined {
    if (this.#list.issuers.length > 0) return undefined
    return new Refusal('trust-stale', 'trust: the list is empty')
  }

  replace(list: TrustList): void {
    this.#list = list
  }
}

export interface LiveTrustOptions {
  clock: Clock
  /** Older than this since a broker's last word, and the trust is stale. */
  maxAgeMs: number
  /** Takes development certificates. */
  development: boolean
}

/**
 * The sets that a broker keeps: replaced as it says, without a restart.
 * INVARIANT: neither version ever goes down, not over a restart either when the sets are remembered.
 */
export class LiveTrust implements VerifierTrust {
  readonly #options: LiveTrustOptions
  #set: TrustSet | undefined
  #list: TrustList
  #items = new Map<string, Revocation>()
  #revocationVersion = 0
  #revocations = createRevocationList([])

  constructor(options: LiveTrustOptions) {
    this.#options = options
    this.#list = createTrustListFromPem([], { nowMs: options.clock.now(), development: false })
  }

  get list(): TrustList {
    return this.#list
  }

  get revocations(): RevocationList {
    return this.#revocations
  }

  get versions(): Versions {
    return { trust: this.#set?.version ?? 0, revocations: this.#revocationVersion }
  }

  get version(): number | undefined {
    return this.#set?.version
  }

  get confirmedMs(): number | undefined {
    return this.#set?.asOf
  }

  get refusal(): Refusal | undefined {
    if (this.#set === undefined) return new Refusal('trust-stale', 'trust: no set yet')
    const ageMs = this.#options.clock.now() - this.#set.asOf
    if (ageMs > this.#options.maxAgeMs) {
      const detail = `trust: confirmed ${ageMs} ms ago, at most ${this.#options.maxAgeMs} ms`
      return new Refusal('trust-stale', detail)
    }
    if (this.#list.issuers.length > 0) return undefined
    return new Refusal('trust-stale', `trust: version ${this.#set.version} has no issuer`)
  }

  /** Both sets for the next run; undefined as long as there is none. */
  get remembered(): RememberedTrust | undefined {
    if (this.#set === undefined) return undefined
    const items = [...this.#items.values()]
    return { trust: this.#set, revocations: { version: this.#revocationVersion, items } }
  }

  /** Starts with the sets of the last run, as old as they are. @throws BrokerError `ERR_CERTIFICATE` */
  restore({ trust, revocations }: RememberedTrust): void {
    this.#replace(trust)
    this.applyRevocations(revocations)
  }

  /**
   * The broker's current set, whole. What fails leaves everything as it was.
   *
   * @throws BrokerError `ERR_CERTIFICATE` for a set that can't be used, `ERR_REFUSED` for an older one
   */
  applyTrust(set: TrustSet): void {
    const { trust } = this.versions
    if (set.version < trust) {
      throw new BrokerError('ERR_REFUSED', `trust: version ${set.version} after ${trust}`)
    }
    // Age is counted by one clock, ours.
    this.#replace({ ...set, asOf: this.#options.clock.now() })
  }

  /**
   * A whole set, or what comes on top of one. Of an older version than ours (a broker's store may come
   * from a backup) the items are added, since one revocation too many is the safer error.
   *
   * @returns what is new in it
   * @throws BrokerError `ERR_REFUSED` when it builds on a version that isn't there, or there are too many
   */
  applyRevocations(change: Omit<RevocationMessage, 'type'>): Revocation[] {
    const { version, after, items } = change
    const current = this.#revocationVersion
    if (after !== undefined && after > current) {
      const message = `revocations: version ${version} builds on ${after}, have ${current}`
      throw new BrokerError('ERR_REFUSED', message)
    }
    const isWhole = after === undefined && version >= current
    const kept = isWhole ? [] : this.#unforgotten()
    const merged = new Map([...kept, ...items].map((item) => [item.id, item]))
    if (merged.size > MAX_REVOCATIONS) {
      const message = `revocations: ${merged.size}, at most ${MAX_REVOCATIONS}`
      throw new BrokerError('ERR_REFUSED', message)
    }
    const before = this.#items
    this.#items = merged
    this.#revocationVersion = Math.max(version, current)
    this.#revocations = createRevocationList([...merged.values()])
    return items.filter(({ id }) => !before.has(id))
  }

  /** The broker has just said what is current. @returns whether that is what we have */
  confirm(current: Versions): boolean {
    const { trust, revocations } = this.versions
    if (this.#set === undefined) return false
    if (current.trust !== trust || current.revocations !== revocations) return false
    this.#set = { ...this.#set, asOf: this.#options.clock.now() }
    return true
  }

  #replace(set: TrustSet): void {
    const { clock, development } = this.#options
    this.#list = createTrustListFromPem(set.issuers, { nowMs: clock.now(), development })
    this.#set = set
  }

  #unforgotten(): Revocation[] {
    const nowMs = this.#options.clock.now()
    return [...this.#items.values()].filter(({ until }) => until >= nowMs)
  }
}
