import { parseReference } from '../../lib/index.ts'
import type { ConsoleSession } from '../../store/index.ts'
import { pageOf, timeCursor } from '../paging.ts'
import { defineRoute, type Route } from '../route.ts'
import { listOf } from '../schemas.ts'
import { messageBody, sessionQuery, sessionShape } from '../session-schemas.ts'
import type { Sessions } from '../sessions.ts'

/** Live console sessions: seen, spoken to, ended. */
export function sessionRoutes(sessions: Sessions): Route[] {
  const content = { 'application/json': { schema: sessionShape } }
  return [
    defineRoute({
      method: 'get',
      path: '/v1/sessions',
      operationId: 'listSessions',
      summary: 'Sessions that are open now, oldest first',
      access: 'session.read',
      query: sessionQuery,
      answers: {
        '200': {
          description: 'The sessions.',
          content: { 'application/json': { schema: listOf(sessionShape) } },
        },
      },
      async handle({ query: { limit, after, ref, ...filter } }) {
        const open = await sessions.list({ ...filter, ref: ref && (parseReference(ref) ?? ref) })
        const cursorOf = ({ openedAtMs, id }: ConsoleSession) => timeCursor(openedAtMs, id)
        const { items, ...next } = pageOf(open, { limit, after }, cursorOf)
        return { status: 200, body: { items: items.map(render), ...next } }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/sessions/{id}',
      operationId: 'getSession',
      summary: 'One session, open or ended',
      access: 'session.read',
      answers: { '200': { description: 'The session.', content } },
      async handle({ id }) {
        return { status: 200, body: render(await sessions.get(id)) }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/v1/sessions/{id}',
      operationId: 'killSession',
      summary: 'End a session and make its token worthless; again is no error',
      access: 'session.write',
      answers: { '204': { description: 'Its node is told to end it.' } },
      async handle({ id, caller }) {
        await sessions.kill(id, caller.name)
        return { status: 204 }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/sessions/{id}/message',
      operationId: 'messageSession',
      summary: 'Show its user a text; 409 when its client takes none, or the session has ended',
      access: 'session.write',
      body: messageBody,
      answers: { '204': { description: 'Its node is told to show it.' } },
      async handle({ id, body, caller }) {
        await sessions.message(id, body.text, caller.name)
        return { status: 204 }
      },
    }),
  ]
}

function render(session: ConsoleSession) {
  const { key: _, openedAtMs, seenAtMs, endedAtMs, endReason: reason, ...rest } = session
  return {
    ...rest,
    openedAt: toTimestamp(openedAtMs),
    seenAt: toTimestamp(seenAtMs),
    ...(endedAtMs === undefined ? {} : { endedAt: toTimestamp(endedAtMs) }),
    ...(reason === undefined ? {} : { reason }),
  }
}

function toTimestamp(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
