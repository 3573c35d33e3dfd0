import { Allowance } from './allowance.ts'
import type { Clock } from './clock.ts'

/** Lines above `debug` about connections that prove nothing: whoever reaches a port can make any number of them. */
const STRANGERS = { burst: 100, perSecond: 1 }

/** @returns at which level to log the next of them, asked for each */
export function strangerLevel(clock: Clock): () => 'warn' | 'debug' {
  const allowance = new Allowance({ ...STRANGERS, clock })
  return () => (allowance.take() ? 'warn' : 'debug')
}
