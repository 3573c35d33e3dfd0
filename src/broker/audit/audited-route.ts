import { createHash } from 'node:crypto'
import { type ApiError, toApiError } from '../errors.ts'
import type { RawRequest, Route } from '../route.ts'
import type { Audit } from './audit.ts'
import type { AuditEntry } from './chain.ts'

/** What is asked for in one request; more is kept as a digest. */
const MAX_DETAILS = 4_000
const MAX_SUBJECT = 400

/**
 * The route, whose every answer to somebody who wants to change something leaves a record before it goes out.
 * Without the record there is no answer but 503, though the change may have been made.
 */
export function auditedRoute(route: Route, audit: Pick<Audit, 'record'>): Route {
  if (route.method === 'get' || route.access === 'public') return route
  return {
    ...route,
    async respond(request) {
      let details: string | undefined
      const record = (outcome: Pick<AuditEntry, 'outcome' | 'ref'>) =>
        audit.record({
          ...describe(route, request),
          ...outcome,
          ...(details === undefined ? {} : { details }),
        })
      const accepted = (body: unknown) => {
        details = renderDetails(body)
      }
      const answer = await route.respond({ ...request, accepted }).catch(toApiError)
      if (isRefused(answer)) {
        await record({ outcome: answer.problem, ref: answer.ref })
        throw answer
      }
      if (!route.recordsItself) await record({ outcome: 'done' })
      return answer
    },
  }
}

function isRefused(answer: object): answer is ApiError {
  return answer instanceof Error
}

function describe({ path, operation }: Route, { id = '', caller }: RawRequest) {
  return {
    actor: caller?.name ?? '',
    action: operation.operationId ?? path,
    subject: subjectOf(path, id),
  }
}

/** The path as it was asked for, so that it can be shown. */
export function subjectOf(path: string, id: string): string {
  const printable = id.replaceAll(/\p{C}/gu, ' ')
  return path.replace('{id}', () => printable).slice(0, MAX_SUBJECT)
}

/** Secrets in it hide themselves. */
function renderDetails(body: unknown): string | undefined {
  if (body === undefined) return undefined
  const text = JSON.stringify(body)
  if (text.length <= MAX_DETAILS) return text
  const sha256 = createHash('sha256').update(text).digest('hex')
  return JSON.stringify({ characters: text.length, sha256 })
}
