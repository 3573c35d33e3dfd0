import type { ControlLimits } from './limits.ts'

/**
 * Pause before the next attempt to dial: doubled each time up to a bound, and of that between half and
 * all, so that the nodes of a farm don't come back in one instant.
 *
 * @param failures attempts in a row that came to nothing, from 1
 * @param random from 0 to 1
 * @returns milliseconds
 */
export function redialPauseMs(
  failures: number,
  random: number,
  { redialMs, maxRedialMs }: Pick<ControlLimits, 'redialMs' | 'maxRedialMs'>,
): number {
  const full = Math.min(redialMs * 2 ** (failures - 1), maxRedialMs)
  return full * (0.5 + random / 2)
}
