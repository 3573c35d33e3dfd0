import { type SessionEvent, sessionEvent } from '../../control/index.ts'
import type { Clock, Log, LogFields } from '../../lib/index.ts'

/** Fields that are text of any length in the log; the channel takes this much of them. */
const MAX_CHARACTERS = 256

/**
 * A log that hands the lines about a session on as events, so that log and timeline always say the same.
 * Lines without a `jti` stay here: they belong to no grant, and strangers can cause any number of them.
 */
export function tapSessionEvents(log: Log, clock: Clock, send: (event: SessionEvent) => void): Log {
  return tap(log, {}, (name, fields) => {
    if (typeof fields.jti !== 'string') return
    const cut = Object.entries(fields).map(([key, value]) => [
      key,
      typeof value === 'string' ? value.slice(0, MAX_CHARACTERS) : value,
    ])
    const event = sessionEvent.safeParse({
      type: 'event',
      event: name,
      time: clock.now(),
      fields: Object.fromEntries(cut.filter(([, value]) => value !== undefined)),
    })
    if (event.success) send(event.data)
  })
}

type Observe = (event: string, fields: LogFields) => void

function tap(log: Log, context: LogFields, observe: Observe): Log {
  const tapped =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (event: string, fields: LogFields = {}): void => {
      log[level](event, fields)
      observe(event, { ...context, ...fields })
    }
  return {
    debug: (event, fields) => log.debug(event, fields),
    info: tapped('info'),
    warn: tapped('warn'),
    error: tapped('error'),
    child: (fields) => tap(log.child(fields), { ...context, ...fields }, observe),
  }
}
