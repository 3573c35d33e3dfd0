import type { Clock } from './clock.ts'

/** What may happen so often and no oftener: a token bucket. */
export class Allowance {
  readonly #burst: number
  readonly #perSecond: number
  readonly #clock: Clock
  #left: number
  #filledAtMs: number

  /**
   * @param burst how many at once after a pause
   * @param perSecond how many come back in each second
   */
  constructor({ burst, perSecond, clock }: { burst: number; perSecond: number; clock: Clock }) {
    this.#burst = burst
    this.#perSecond = perSecond
    this.#clock = clock
    this.#left = burst
    this.#filledAtMs = clock.now()
  }

  /** Counts one, unless none is left. A clock that is set back gives nothing. */
  take(): boolean {
    this.#fill()
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }

  /**
   * Counts so many, though fewer are left.
   *
   * @returns how many ms until those that were not there have come back
   */
  spend(count: number): number {
    this.#fill()
    this.#left -= count
    return Math.ceil((Math.max(0, -this.#left) / this.#perSecond) * 1000)
  }

  #fill(): void {
    const nowMs = this.#clock.now()
    const seconds = Math.max(0, nowMs - this.#filledAtMs) / 1000
    this.#left = Math.min(this.#burst, this.#left + seconds * this.#perSecond)
    this.#filledAtMs = nowMs
  }
}
