import type { Log, LogFields } from '../lib/index.ts'

/**
 * Numbers of the events that Microsoft's RD Gateway writes for the same step (its operational log), so
 * that rules made for those find ours. The client's and the host's words stay our own.
 */
const RDG_EVENTS: Readonly<Record<string, number>> = {
  'tunnel.created': 200,
  'token.refused': 201,
  'channel.authorized': 300,
  'channel.refused': 301,
  'channel.opened': 302,
  'session.closed': 303,
  'connection.refused': 306,
}
/** In place of 301, when it was not for us to refuse: the target does not answer. */
const TARGET_UNREACHABLE = 304

/** The log with `rdgEvent` in the lines that have such a number. */
export function withEventNumbers(log: Log): Log {
  const numbered =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (event: string, fields: LogFields = {}): void => {
      const rdgEvent = numberOf(event, fields)
      log[level](event, rdgEvent === undefined ? fields : { ...fields, rdgEvent })
    }
  return {
    debug: numbered('debug'),
    info: numbered('info'),
    warn: numbered('warn'),
    error: numbered('error'),
    child: (fields) => withEventNumbers(log.child(fields)),
  }
}

function numberOf(event: string, { reason }: LogFields): number | undefined {
  if (event === 'channel.refused' && reason === 'host-unreachable') return TARGET_UNREACHABLE
  return RDG_EVENTS[event]
}
