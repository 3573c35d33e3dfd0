import type { Row } from '../bench.ts'
import type { LogSaw } from '../expectation.ts'

/** The log's word for what became of a connection. */
export function describeLog(log: LogSaw | undefined): string {
  if (log === undefined) return 'not read'
  return log.reason ?? (log.opened ? 'channel.opened' : 'nothing')
}

/** Every reference by which `why` finds what became of it: of its console, and of its refusal. */
export function referencesOf({ ref, log }: Pick<Row, 'ref' | 'log'>): string[] {
  return [ref, log?.ref].filter((reference) => reference !== undefined)
}
