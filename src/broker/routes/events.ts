import { z } from 'zod'
import { EVENT_ID, type EventStream } from '../event-stream.ts'
import { defineRoute, type Route } from '../route.ts'
import { invalid } from '../validate.ts'

const lastEventId = z.object({
  'Last-Event-ID': z
    .string()
    .regex(EVENT_ID)
    .optional()
    .meta({ description: 'The last `id` that was received: goes on behind it.' }),
})

/** What happens, while it happens. */
export function eventRoutes(events: Pick<EventStream, 'open'>): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/events',
      operationId: 'streamEvents',
      summary:
        'Server-sent events: consoles, refusals, sessions, nodes, hosts and trust, as in the log',
      access: 'event.read',
      header: lastEventId,
      answers: {
        '200': {
          description: 'A stream without end; the `data` of each event is one JSON object.',
          content: { 'text/event-stream': { schema: z.string() } },
        },
      },
      handle({ caller, isWelcome, lastEventId: after }) {
        if (after !== undefined && !EVENT_ID.test(after)) {
          throw invalid([{ field: 'Last-Event-ID', message: 'need the id of an event' }])
        }
        return {
          status: 200,
          headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' },
          body: events.open({ reader: caller.name, after, isWelcome }),
        }
      },
    }),
  ]
}
