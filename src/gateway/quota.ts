import { clientKey } from '../tokens/index.ts'

/**
 * Counts what is held at once, in all and for each client address, and says no beyond either limit. IPv6
 * clients count by their /64, since each has 2^64 addresses to come from.
 */
export class Quota {
  readonly #max: number
  readonly #maxPerAddress: number
  readonly #perClient = new Map<string, number>()
  #total = 0

  constructor(max: number, maxPerAddress: number) {
    this.#max = max
    this.#maxPerAddress = maxPerAddress
  }

  get total(): number {
    return this.#total
  }

  /** @returns how to give the place back (once; again does nothing), or undefined when there is none */
  take(address: string): (() => void) | undefined {
    const client = clientKey(address, 'address') ?? address
    const held = this.#perClient.get(client) ?? 0
    if (this.#total >= this.#max || held >= this.#maxPerAddress) return undefined
    this.#total++
    this.#perClient.set(client, held + 1)
    let given = false
    return () => {
      if (given) return
      given = true
      this.#giveBack(client)
    }
  }

  #giveBack(client: string): void {
    this.#total--
    const held = this.#perClient.get(client) ?? 0
    if (held > 1) this.#perClient.set(client, held - 1)
    else this.#perClient.delete(client)
  }
}
