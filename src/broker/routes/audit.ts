import { z } from 'zod'
import { parseReference } from '../../lib/index.ts'
import type { AuditPlace, AuditRecord, Store, StoredCheckpoint } from '../../store/index.ts'
import { DEFAULT_KEEP_DAYS } from '../audit/audit.ts'
import {
  auditQuery,
  auditShape,
  checkpointShape,
  keepDaysShape,
  pageQuery,
  renderPlace,
} from '../audit/schemas.ts'
import { defineRoute, type Route } from '../route.ts'

const DEFAULT_LIMIT = 100

/** Who did what, to be read and to be verified by somebody else. */
export function auditRoutes({
  store,
  keepDays = DEFAULT_KEEP_DAYS,
}: {
  store: Pick<Store, 'audit'>
  keepDays?: number
}): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/audit',
      operationId: 'listAudit',
      summary: 'Who did what: by broker and number, or the newest first',
      access: 'service.read',
      query: auditQuery,
      answers: pagesOf(auditShape),
      async handle({ query }) {
        const { limit = DEFAULT_LIMIT, newest, after, ref, ...rest } = query
        const wanted = { ...rest, ref: ref && (parseReference(ref) ?? ref) }
        const page = { limit, ...(newest === 'true' ? { newest: true } : after && { after }) }
        const named = Object.entries(wanted).filter(([, value]) => value !== undefined)
        const records = await store.audit.list({ ...page, ...Object.fromEntries(named) })
        const next = newest === 'true' ? {} : nextOf(records, limit)
        return { status: 200, body: { items: records.map(renderRecord), ...next } }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/audit/checkpoints',
      operationId: 'listAuditCheckpoints',
      summary: 'What brokers have signed of their audits, by broker and number',
      access: 'service.read',
      query: pageQuery,
      answers: pagesOf(checkpointShape, { keepDays: keepDaysShape }),
      async handle({ query: { limit = DEFAULT_LIMIT, after } }) {
        const found = await store.audit.listCheckpoints({ limit, ...(after && { after }) })
        return {
          status: 200,
          body: { items: found.map(renderCheckpoint), keepDays, ...nextOf(found, limit) },
        }
      },
    }),
  ]
}

function pagesOf(item: z.ZodType, more: z.ZodRawShape = {}) {
  const next = z.string().optional().meta({ description: 'For `after`; absent on the last page.' })
  const schema = z.object({ items: z.array(item), ...more, next })
  return { '200': { description: 'A page.', content: { 'application/json': { schema } } } }
}

function nextOf(items: AuditPlace[], limit: number): { next?: string } {
  const last = items.at(-1)
  return last === undefined || items.length < limit ? {} : { next: renderPlace(last) }
}

function renderRecord({ atMs, ...record }: AuditRecord) {
  return { ...record, time: new Date(atMs).toISOString() }
}

function renderCheckpoint({ atMs, text: checkpoint, ...of }: StoredCheckpoint) {
  return { ...of, time: new Date(atMs).toISOString(), checkpoint }
}
