import { clientKey } from '../tokens/index.ts'
import type { Limits } from './limits.ts'

/** One connection that has no tunnel yet. */
export interface HalfOpenPlace {
  /** It has its tunnel, or is gone; again does nothing. */
  release(): void
  /** How its holder ends when another needs the place; the last one given counts. */
  onEvicted(end: () => void): void
}

/**
 * A node's places for OUT and WebSocket connections on which nobody has proven anything yet. When all are
 * taken, or all that one client may have, the oldest of these gives way: an honest client is through in a second,
 * so whoever fills the places loses them to those who come after, also to those who share an address with it.
 */
export class HalfOpen {
  readonly #max: number
  readonly #maxPerAddress: number
  /** How each ends, oldest first. */
  readonly #places = new Map<HalfOpenPlace, () => void>()
  /** Those of each client, oldest first. */
  readonly #perClient = new Map<string, Set<HalfOpenPlace>>()

  constructor({ maxHalfOpen, maxHalfOpenPerAddress }: Limits) {
    this.#max = maxHalfOpen
    this.#maxPerAddress = maxHalfOpenPerAddress
  }

  get total(): number {
    return this.#places.size
  }

  take(address: string): HalfOpenPlace {
    const client = clientKey(address, 'address') ?? address
    const held = this.#perClient.get(client) ?? new Set()
    if (held.size >= this.#maxPerAddress) this.#evictFirst(held)
    else if (this.#places.size >= this.#max) this.#evictFirst(this.#places.keys())
    const place: HalfOpenPlace = {
      release: () => {
        this.#places.delete(place)
        held.delete(place)
        if (held.size === 0 && this.#perClient.get(client) === held) this.#perClient.delete(client)
      },
      onEvicted: (end) => {
        if (this.#places.has(place)) this.#places.set(place, end)
      },
    }
    this.#places.set(place, () => {})
    // Its last one may just have given way, and taken it out.
    this.#perClient.set(client, held.add(place))
    return place
  }

  #evictFirst(places: Iterable<HalfOpenPlace>): void {
    const [oldest] = places
    if (oldest === undefined) return
    const end = this.#places.get(oldest)
    oldest.release()
    end?.()
  }
}
