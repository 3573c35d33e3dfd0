import { InvalidArgumentError } from 'commander'

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600 }

/**
 * An option's `90`, `90s`, `5m`, `1h` in whole seconds.
 *
 * @throws InvalidArgumentError
 */
export function parseDuration(text: string): number {
  return parseSeconds(text, 1)
}

/** The same where `0s` means something as well. */
export function parseDurationOrNone(text: string): number {
  return parseSeconds(text, 0)
}

function parseSeconds(text: string, least: number): number {
  const [, number, unit = 's'] = /^(\d{1,6})([smh]?)$/.exec(text) ?? []
  const seconds = Number(number) * (UNITS[unit === '' ? 's' : unit] ?? Number.NaN)
  if (Number.isInteger(seconds) && seconds >= least) return seconds
  throw new InvalidArgumentError('need a time such as 60s or 5m.')
}
