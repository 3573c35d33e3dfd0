import type { Limits } from './limits.ts'
import { Quota } from './quota.ts'

/** One connection that has no tunnel yet. */
export interface HalfOpenPlace {
  /** It has its tunnel, or is gone; again does nothing. */
  release(): void
  /** How its holder ends when another needs the place; the last one given counts. */
  onEvicted(end: () => void): void
}

/**
 * A node's places for OUT and WebSocket connections on which nobody has proven anything yet. When all are
 * taken, the oldest gives way: an honest client is through in a second, so whoever fills the places from many
 * addresses loses them to those who come after.
 */
export class HalfOpen {
  readonly #max: number
  readonly #perAddress: Quota
  /** How each ends, oldest first. */
  readonly #places = new Map<HalfOpenPlace, () => void>()

  constructor({ maxHalfOpen, maxHalfOpenPerAddress }: Limits) {
    this.#max = maxHalfOpen
    this.#perAddress = new Quota(Number.POSITIVE_INFINITY, maxHalfOpenPerAddress)
  }

  get total(): number {
    return this.#places.size
  }

  /** @returns undefined when this client has all of its places */
  take(address: string): HalfOpenPlace | undefined {
    const giveBack = this.#perAddress.take(address)
    if (giveBack === undefined) return undefined
    if (this.#places.size >= this.#max) this.#evictOldest()
    const place: HalfOpenPlace = {
      release: () => {
        this.#places.delete(place)
        giveBack()
      },
      onEvicted: (end) => {
        if (this.#places.has(place)) this.#places.set(place, end)
      },
    }
    this.#places.set(place, () => {})
    return place
  }

  #evictOldest(): void {
    const [oldest] = this.#places
    if (oldest === undefined) return
    const [place, end] = oldest
    place.release()
    end()
  }
}
