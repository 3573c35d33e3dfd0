import { Allowance } from './allowance.ts'
import type { Clock } from './clock.ts'

/** Lines above `debug` about connections that prove nothing: whoever reaches a port can make any number of them. */
const CONNECTIONS = { burst: 100, perSecond: 1 }
/** The same about requests, whose references people ask for: as many as `why` keeps. */
export const STRANGERS_REQUESTS = { burst: 1_000, perSecond: 50 }
/** Characters of a path in such a line: there may be as many as in a head. */
export const MAX_LOGGED_PATH = 256

/** @returns at which level to log the next of them, asked for each */
export function strangerLevel(clock: Clock, most = CONNECTIONS): () => 'warn' | 'debug' {
  const allowance = new Allowance({ ...most, clock })
  return () => (allowance.take() ? 'warn' : 'debug')
}
