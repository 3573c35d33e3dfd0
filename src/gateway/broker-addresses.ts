import { isIP } from 'node:net'
import { type Clock, withDeadline } from '../lib/index.ts'
import { type Lookup, lookupAll } from './lookup.ts'

export interface BrokerAddressesOptions {
  /** Names or literal addresses of the brokers. */
  hosts: readonly string[]
  /** The system's when absent. */
  lookup?: Lookup
  clock: Clock
}

/** What a look-up found is taken as it is for so long, and then looked up again in the background. */
const FRESH_MS = 60_000
/** Nobody waits longer for a name: without its DNS a node serves hosts that are named by address. */
const WAIT_MS = 1_000

/** The brokers' addresses as DNS has them now: no token may have one of them dialled. */
export class BrokerAddresses {
  readonly #options: BrokerAddressesOptions
  readonly #names: readonly string[]
  readonly #literals: readonly string[]
  readonly #found = new Map<string, readonly string[]>()
  #freshUntilMs = 0
  #looking: Promise<void> | undefined

  constructor(options: BrokerAddressesOptions) {
    this.#options = options
    this.#names = options.hosts.filter((host) => isIP(host) === 0)
    this.#literals = options.hosts.filter((host) => isIP(host) !== 0)
  }

  /** Literal addresses, of one broker perhaps in several spellings. */
  get current(): readonly string[] {
    return [...this.#literals, ...this.#found.values()].flat()
  }

  /** Waits for the first look-up only. Never rejects: what was found before stays when nobody answers. */
  async refresh(): Promise<void> {
    const { clock } = this.#options
    if (this.#names.length === 0 || clock.now() < this.#freshUntilMs) return
    this.#looking ??= this.#lookUp().finally(() => {
      this.#looking = undefined
    })
    if (this.#found.size === this.#names.length) return
    await withDeadline(this.#looking, WAIT_MS, "broker's address").catch(() => {})
  }

  async #lookUp(): Promise<void> {
    const { clock, lookup = lookupAll } = this.#options
    const look = async (name: string): Promise<void> => {
      this.#found.set(name, await lookup(name))
    }
    const looked = await Promise.allSettled(this.#names.map(look))
    if (looked.some(({ status }) => status === 'rejected')) return
    this.#freshUntilMs = clock.now() + FRESH_MS
  }
}
