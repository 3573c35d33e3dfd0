import { setTimeout as sleep } from 'node:timers/promises'

export interface EventuallyOptions {
  timeoutMs?: number
  intervalMs?: number
  /** Added to the error, for example a program's log. */
  context?: () => string
}

/**
 * Polls until `probe` gives something truthy, and returns it. For tests that wait on real programs;
 * a probe that throws counts as "not yet".
 *
 * @param what names the wait in the error
 * @throws Error when `timeoutMs` (25 s) is over, with the probe's last error as cause
 */
export async function eventually<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { timeoutMs = 25_000, intervalMs = 150, context }: EventuallyOptions = {},
): Promise<T> {
  const end = performance.now() + timeoutMs
  let cause: unknown
  do {
    try {
      const value = await probe()
      if (value) return value
      cause = undefined
    } catch (error) {
      cause = error
    }
    await sleep(intervalMs)
  } while (performance.now() < end)
  throw new Error(`${what}: not within ${timeoutMs} ms\n${context?.() ?? ''}`, { cause })
}
