import type { Insertable, Kysely, Selectable } from 'kysely'
import { prepare } from './prepare.ts'
import { type ApiKey, ROLES } from './records.ts'
import { parseNames, present } from './rows.ts'
import type { ApiKeyRow, Database } from './schema.ts'
import type { ApiKeys } from './store.ts'

export function createApiKeys(db: Kysely<Database>): ApiKeys {
  const rowOf = prepare(db, ({ keySha256 }: Pick<ApiKeyRow, 'keySha256'>) =>
    db
      .selectFrom('apiKeys')
      .selectAll()
      .where('keySha256', '=', keySha256)
      .where('revokedAtMs', 'is', null),
  )
  return {
    put: (key) =>
      db.transaction().execute(async (transaction) => {
        const { id, ...values } = toRow(key)
        const { revision } = await transaction
          .insertInto('apiKeys')
          .values({ id, ...values, revision: 1 })
          .onConflict((conflict) =>
            conflict.column('id').doUpdateSet(({ eb }) => ({
              ...values,
              revision: eb('apiKeys.revision', '+', 1),
            })),
          )
          .returning('revision')
          .executeTakeFirstOrThrow()
        await transaction.deleteFrom('apiKeyTenants').where('key', '=', id).execute()
        await bind(transaction, key)
        return revision === 1 ? 'created' : 'replaced'
      }),
    putFirst: (key) =>
      db.transaction().execute(async (transaction) => {
        const other = await transaction.selectFrom('apiKeys').select('id').executeTakeFirst()
        return other === undefined && insert(transaction, key)
      }),
    insert: (key) => db.transaction().execute((transaction) => insert(transaction, key)),
    async findBySha256(keySha256) {
      const [row] = await rowOf({ keySha256 })
      return row && toKey(db, row)
    },
    async get(id) {
      const row = await db.selectFrom('apiKeys').selectAll().where('id', '=', id).executeTakeFirst()
      return row && toKey(db, row)
    },
    async list({ after = '', limit } = {}) {
      const rows = await db
        .selectFrom('apiKeys')
        .selectAll()
        .where('id', '>', after)
        .$if(limit !== undefined, (query) => query.limit(limit ?? 0))
        .orderBy('id')
        .execute()
      return Promise.all(rows.map((row) => toKey(db, row)))
    },
    async touch(id, nowMs) {
      await db.updateTable('apiKeys').set({ lastUsedAtMs: nowMs }).where('id', '=', id).execute()
    },
    revoke: (id, nowMs, mayDoWithout) =>
      db.transaction().execute(async (transaction) => {
        if (mayDoWithout !== undefined) {
          const keys = await createApiKeys(transaction).list()
          if (!mayDoWithout(keys.filter((key) => key.id !== id))) return false
        }
        const { numUpdatedRows } = await transaction
          .updateTable('apiKeys')
          .set(({ fn, val }) => ({ revokedAtMs: fn.coalesce('revokedAtMs', val(nowMs)) }))
          .where('id', '=', id)
          .executeTakeFirst()
        return numUpdatedRows > 0n
      }),
  }
}

/** @returns false when there is a key with this id */
async function insert(db: Kysely<Database>, key: ApiKey): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('apiKeys')
    .values({ ...toRow(key), revision: 1 })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst()
  if (numInsertedOrUpdatedRows !== 1n) return false
  await bind(db, key)
  return true
}

async function bind(db: Kysely<Database>, { id, tenants }: ApiKey): Promise<void> {
  if (tenants.length === 0) return
  const rows = tenants.map((tenant) => ({ key: id, tenant }))
  await db.insertInto('apiKeyTenants').values(rows).execute()
}

function toRow({ tenants: _, roles, ...key }: ApiKey): Omit<Insertable<ApiKeyRow>, 'revision'> {
  const { expiresAtMs = null, lastUsedAtMs = null, revokedAtMs = null } = key
  return { ...key, roles: roles.join(' '), expiresAtMs, lastUsedAtMs, revokedAtMs }
}

/** Only `portal` has tenants, and only keys with it cost the second read. */
async function toKey(
  db: Kysely<Database>,
  { revision: _, roles: text, ...row }: Selectable<ApiKeyRow>,
): Promise<ApiKey> {
  const roles = parseNames(text, ROLES)
  const tenants = roles.includes('portal')
    ? await db
        .selectFrom('apiKeyTenants')
        .select('tenant')
        .where('key', '=', row.id)
        .orderBy('tenant')
        .execute()
    : []
  return { ...present(row), roles, tenants: tenants.map(({ tenant }) => tenant) }
}
