import { type Clock, parseReference } from '../../lib/index.ts'
import type { Grant } from '../../store/index.ts'
import { ApiError } from '../errors.ts'
import { defineRoute, type Route } from '../route.ts'
import type { Timeline } from '../timeline.ts'
import { accountFor } from '../why/account.ts'
import { whyId, whyShape } from '../why/schemas.ts'

/** What became of one console, or why somebody was told no. */
export function whyRoutes(timeline: Pick<Timeline, 'find'>, clock: Clock): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/why/{id}',
      id: whyId,
      operationId: 'why',
      summary: "A console's or a refusal's life in plain words, with the likely cause and the fix",
      access: 'why.read',
      answers: {
        '200': {
          description: 'What happened, for 30 days.',
          content: { 'application/json': { schema: whyShape } },
        },
      },
      async handle({ id }) {
        const found = await timeline.find(id)
        if (found === undefined) {
          throw new ApiError('not-found', `Nothing is known of ${id}${explain(id)}.`)
        }
        const { timeline: lines, ...conclusion } = accountFor(found, clock.now())
        const { grant } = found
        const ref = grant?.ref ?? parseReference(id)
        return {
          status: 200,
          headers: { 'Cache-Control': 'no-store' },
          body: {
            ...(ref === undefined ? {} : { ref }),
            ...conclusion,
            ...(grant === undefined ? {} : { console: render(grant) }),
            timeline: lines.map(({ atMs, ...line }) => ({ time: toTimestamp(atMs), ...line })),
          },
        }
      },
    }),
  ]
}

function render(grant: Grant) {
  const { id, vm, tenant, user, destination, createdAtMs, expiresAtMs, revokedAtMs } = grant
  return {
    ...{ id, vm, tenant, user, host: destination },
    createdAt: toTimestamp(createdAtMs),
    expiresAt: toTimestamp(expiresAtMs),
    ...(revokedAtMs === undefined ? {} : { revokedAt: toTimestamp(revokedAtMs) }),
  }
}

/** A jti may be any text. */
function explain(id: string): string {
  const isReadable = parseReference(id) !== undefined || id.length > 16
  return isReadable
    ? ', or no longer: references are kept for 30 days'
    : ': a reference reads like 7K3M-Q2XD'
}

function toTimestamp(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
