import { SESSION_EVENTS, type SessionEvent, sessionEvent } from '../../control/index.ts'
import { Allowance, type Clock, type Log, type LogFields, tapLog } from '../../lib/index.ts'

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
    if (!isSessionEvent(name) || fields.purpose === 'lab') return
    const isKnown = typeof fields.jti === 'string'
    if (!isKnown && (fields.ref === undefined || !strangers.take())) return
    send({ event: name, time: clock.now(), fields: sessionFields(fields) })
  })
}

const EVENTS: ReadonlySet<string> = new Set(SESSION_EVENTS)

function isSessionEvent(name: string): name is SessionEvent['event'] {
  return EVENTS.has(name)
}

const FIELDS = Object.keys(sessionEvent.shape.fields.shape)

/**
 * Those fields of a line that the channel knows. What they hold is this node's own word, or has been verified:
 * it is cut and no more, since the broker parses it.
 */
function sessionFields(line: LogFields): SessionEvent['fields'] {
  const fields: LogFields = {}
  for (const name of FIELDS) {
    const value = line[name]
    if (value === undefined) continue
    fields[name] = typeof value === 'string' ? value.slice(0, MAX_CHARACTERS) : value
  }
  // Log lines have no types; these names mean the same in all of them.
  return fields as SessionEvent['fields']
}
