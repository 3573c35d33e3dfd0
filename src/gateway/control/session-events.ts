import { type SessionEvent, sessionEvent } from '../../control/index.ts'
import { Allowance, type Clock, type Log, tapLog } from '../../lib/index.ts'

/** Fields that are text of any length in the log; the channel takes this much of them. */
const MAX_CHARACTERS = 256

/** Strangers can be refused any number of times; what goes on waiting for a broker must not be theirs alone. */
const REFUSALS_OF_STRANGERS = { burst: 200, perSecond: 20 }

/**
 * A log that hands the lines about a session on as events, so that log and timeline always say the same.
 * Of lines about no verified token only refusals with a reference go on, and of these only so many; of
 * those about a laboratory's none, whose token may call itself any console's.
 */
export function tapSessionEvents(log: Log, clock: Clock, send: (event: SessionEvent) => void): Log {
  const strangers = new Allowance({ ...REFUSALS_OF_STRANGERS, clock })
  return tapLog(log, (name, fields) => {
    if (fields.purpose === 'lab') return
    const isKnown = typeof fields.jti === 'string'
    if (!isKnown && (fields.ref === undefined || !strangers.take())) return
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
