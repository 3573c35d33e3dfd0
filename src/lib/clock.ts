/** Wall-clock time as an argument, so that expiry can be tested without waiting. */
export interface Clock {
  /** Milliseconds since the Unix epoch, UTC. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/** For rates: nobody sets it or steers it. Its zero is the start of the process. */
export const monotonicClock: Clock = { now: () => performance.now() }

/** Whole seconds since the Unix epoch, rounded down: the NumericDate of RFC 7519 section 2. */
export function nowSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000)
}
