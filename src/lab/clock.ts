import type { Clock } from '../lib/index.ts'

/**
 * The one clock that can be steered. It stands until it is moved, so that both edges of a second can be
 * met exactly, however slow the machine is.
 */
export class LabClock implements Clock {
  #nowMs: number

  /** @param startMs rounded down to a whole second, as tokens count */
  constructor(startMs: number) {
    this.#nowMs = Math.floor(startMs / 1000) * 1000
  }

  now(): number {
    return this.#nowMs
  }

  /** Forwards only: what has happened stays in the past. @throws RangeError */
  moveTo(timeMs: number): void {
    if (timeMs < this.#nowMs)
      throw new RangeError(`clock: at ${this.#nowMs}, not back to ${timeMs}`)
    this.#nowMs = timeMs
  }
}

/** A clock that is wrong by so many seconds, ahead when positive. */
export function skewed(clock: Clock, seconds: number): Clock {
  return { now: () => clock.now() + seconds * 1000 }
}
