import type { Log, LogFields } from './log.ts'

/** @param fields of the line and of its context */
export type ObserveLine = (event: string, fields: LogFields) => void

export interface TapOptions {
  /** Sees each line of level `debug`, written or not; absent: nobody does. */
  observeDebug?: ObserveLine
  context?: LogFields
}

/** The log, with somebody who sees each line from level `info` on after it was written. */
export function tapLog(log: Log, observe: ObserveLine, options: TapOptions = {}): Log {
  const { observeDebug, context = {} } = options
  const tapped =
    (level: 'debug' | 'info' | 'warn' | 'error', see = observe) =>
    (event: string, fields: LogFields = {}): void => {
      log[level](event, fields)
      see(event, { ...context, ...fields })
    }
  return {
    debug:
      observeDebug === undefined
        ? (event, fields) => log.debug(event, fields)
        : tapped('debug', observeDebug),
    info: tapped('info'),
    warn: tapped('warn'),
    error: tapped('error'),
    child: (fields) =>
      tapLog(log.child(fields), observe, { ...options, context: { ...context, ...fields } }),
  }
}
