import type { Kysely } from 'kysely'
import { prepare } from './prepare.ts'
import type { PolicyScope } from './records.ts'
import { stamped } from './rows.ts'
import type { Database, PolicyRow } from './schema.ts'
import type { Policies } from './store.ts'

export function createPolicies(db: Kysely<Database>): Policies {
  const layersFor = prepare(db, ({ tenant, vm }: Pick<PolicyRow, 'tenant' | 'vm'>) =>
    db
      .selectFrom('policies')
      .select(['scope', 'body'])
      // NULL equals nothing.
      .where(({ or, eb }) =>
        or([eb('scope', '=', 'provider'), eb('tenant', '=', tenant), eb('vm', '=', vm)]),
      )
      .orderBy('scope'),
  )

  return {
    async put(scope, body, nowMs) {
      const { revision } = await db
        .insertInto('policies')
        .values({ scope, ...ownerOf(scope), body, ...stamped(nowMs) })
        .onConflict((conflict) =>
          conflict.column('scope').doUpdateSet(({ eb }) => ({
            body,
            updatedAtMs: nowMs,
            revision: eb('policies.revision', '+', 1),
          })),
        )
        .returning('revision')
        .executeTakeFirstOrThrow()
      return revision === 1 ? 'created' : 'replaced'
    },
    async get(scope) {
      const row = await db
        .selectFrom('policies')
        .select('body')
        .where('scope', '=', scope)
        .executeTakeFirst()
      return row?.body
    },
    listFor: ({ tenant = null, vm = null }) => layersFor({ tenant, vm }),
    listOfTenant: (tenant) =>
      db
        .selectFrom('policies')
        .select(['scope', 'body'])
        .where(({ or, eb, selectFrom }) =>
          or([
            eb('scope', '=', 'provider'),
            eb('tenant', '=', tenant),
            eb('vm', 'in', selectFrom('vms').select('id').where('tenant', '=', tenant)),
          ]),
        )
        .orderBy('scope')
        .execute(),
  }
}

/** Whose it is goes into columns of its own, so that a policy goes when its tenant or VM does. */
function ownerOf(scope: PolicyScope): Pick<PolicyRow, 'tenant' | 'vm'> {
  const id = scope.slice(scope.indexOf(':') + 1)
  return {
    tenant: scope.startsWith('tenant:') ? id : null,
    vm: scope.startsWith('vm:') ? id : null,
  }
}
