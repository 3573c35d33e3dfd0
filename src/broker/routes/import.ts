import type { Clock, Log } from '../../lib/index.ts'
import type { Store } from '../../store/index.ts'
import { type ImportPlan, planImport } from '../import-plan.ts'
import { type ImportAnswer, importBody, importShape, MAX_IMPORT_BYTES } from '../import-schemas.ts'
import { defineRoute, type Route } from '../route.ts'

export interface ImportRouteOptions {
  store: Store
  clock: Clock
  log: Log
}

/** Many tenants, hosts and machines at once: all of them or none. */
export function importRoutes({ store, clock, log }: ImportRouteOptions): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: '/v1/import',
      operationId: 'importInventory',
      summary: 'Create and replace many records in one transaction, or say what that would change',
      access: 'inventory.write',
      maxBodyBytes: MAX_IMPORT_BYTES,
      body: importBody,
      answers: {
        '200': {
          description: 'What is changed, field by field.',
          content: { 'application/json': { schema: importShape } },
        },
      },
      async handle({ body, caller }) {
        const { dryRun = false } = body
        const plan = await store.inventory.change(async (current) => {
          const result = await planImport(current, body)
          return { result, put: dryRun ? {} : result.put }
        }, clock.now())
        const answer = toAnswer(plan, dryRun)
        if (!dryRun) logImport(log, answer, caller.name)
        return { status: 200, body: answer }
      },
    }),
  ]
}

function toAnswer({ items, unchanged }: ImportPlan, dryRun: boolean): ImportAnswer {
  const created = items.filter(({ outcome }) => outcome === 'created').length
  return { dryRun, created, changed: items.length - created, unchanged, items }
}

/** One line, and one for each host that is switched. */
function logImport(log: Log, { items, ...answer }: ImportAnswer, askedBy: string): void {
  const { created, changed, unchanged } = answer
  log.info('inventory.imported', { created, changed, unchanged, askedBy })
  for (const { type, id: host, outcome, changes } of items) {
    const allow = changes.find(({ field }) => type === 'host' && field === 'console.allow')?.to
    if (allow === true) log.info('host.enabled', { host, askedBy })
    else if (allow === false && outcome === 'changed') log.info('host.disabled', { host, askedBy })
  }
}
