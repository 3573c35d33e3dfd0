import type { ConsoleSession } from '../../store/index.ts'
import { defineRoute, type Route } from '../route.ts'
import { listOf } from '../schemas.ts'
import type { Sessions } from '../sessions.ts'
import { sessionShape } from '../trust-schemas.ts'

/** Live console sessions: seen, and ended. */
export function sessionRoutes(sessions: Sessions): Route[] {
  const content = { 'application/json': { schema: sessionShape } }
  return [
    defineRoute({
      method: 'get',
      path: '/v1/sessions',
      operationId: 'listSessions',
      summary: 'Sessions that are open now, oldest first',
      access: 'key',
      answers: {
        '200': {
          description: 'The sessions.',
          content: { 'application/json': { schema: listOf(sessionShape) } },
        },
      },
      async handle() {
        return { status: 200, body: { items: (await sessions.list()).map(render) } }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/sessions/{id}',
      operationId: 'getSession',
      summary: 'One session, open or ended',
      access: 'key',
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
      access: 'key',
      answers: { '204': { description: 'Its node is told to end it.' } },
      async handle({ id, caller }) {
        await sessions.kill(id, `key:${caller.keyId}`)
        return { status: 204 }
      },
    }),
  ]
}

function render(session: ConsoleSession) {
  const { id, jti, tenant, user, vm, node, tunnel, clientAddress, endReason } = session
  const { openedAtMs, seenAtMs, endedAtMs, bytesIn, bytesOut } = session
  return {
    id,
    jti,
    tenant,
    user,
    vm,
    node,
    tunnel,
    clientAddress,
    openedAt: toTimestamp(openedAtMs),
    seenAt: toTimestamp(seenAtMs),
    ...(endedAtMs === undefined ? {} : { endedAt: toTimestamp(endedAtMs) }),
    reason: endReason,
    bytesIn,
    bytesOut,
  }
}

function toTimestamp(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
