import type { Log, LogFields } from './log.ts'

/** @param fields of the line and of its context */
export type ObserveLine = (event: string, fields: LogFields) => void

/** The log, with somebody who sees each line from level `info` on after it was written. */
export function tapLog(log: Log, observe: ObserveLine, context: LogFields = {}): Log {
  const tapped =
    (level: 'info' | 'warn' | 'error') =>
    (event: string, fields: LogFields = {}): void => {
      log[level](event, fields)
      observe(event, { ...context, ...fields })
    }
  return {
    debug: (event, fields) => log.debug(event, fields),
    info: tapped('info'),
    warn: tapped('warn'),
    error: tapped('error'),
    child: (fields) => tapLog(log.child(fields), observe, { ...context, ...fields }),
  }
}
