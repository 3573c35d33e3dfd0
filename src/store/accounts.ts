import type { Kysely } from 'kysely'
import { present, stamped } from './rows.ts'
import type { Database } from './schema.ts'
import type { ApiKeys, PortalSessions, Users } from './store.ts'

export function createUsers(db: Kysely<Database>): Users {
  return {
    async put({ id, tenant, passwordHash }, nowMs) {
      const values = { tenant: tenant ?? null, passwordHash }
      const { revision } = await db
        .insertInto('users')
        .values({ id, ...values, ...stamped(nowMs) })
        .onConflict((conflict) =>
          conflict.column('id').doUpdateSet(({ eb }) => ({
            ...values,
            updatedAtMs: nowMs,
            revision: eb('users.revision', '+', 1),
          })),
        )
        .returning('revision')
        .executeTakeFirstOrThrow()
      return revision === 1 ? 'created' : 'replaced'
    },
    async get(id) {
      const row = await db
        .selectFrom('users')
        .select(['id', 'tenant', 'passwordHash'])
        .where('id', '=', id)
        .executeTakeFirst()
      return row && present(row)
    },
  }
}

export function createApiKeys(db: Kysely<Database>): ApiKeys {
  return {
    async put({ id, label, keySha256, createdAtMs, revokedAtMs }) {
      const values = { label, keySha256, createdAtMs, revokedAtMs: revokedAtMs ?? null }
      const { revision } = await db
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
      return revision === 1 ? 'created' : 'replaced'
    },
    async putFirst({ id, label, keySha256, createdAtMs }) {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('apiKeys')
        .columns(['id', 'label', 'keySha256', 'createdAtMs', 'revision'])
        .expression(
          db
            .selectNoFrom(({ val }) => [
              val(id).as('id'),
              val(label).as('label'),
              val(keySha256).as('keySha256'),
              val(createdAtMs).as('createdAtMs'),
              val(1).as('revision'),
            ])
            .where(({ not, exists, selectFrom }) =>
              not(exists(selectFrom('apiKeys').select('apiKeys.id'))),
            ),
        )
        .executeTakeFirst()
      return numInsertedOrUpdatedRows === 1n
    },
    async findBySha256(keySha256) {
      const row = await db
        .selectFrom('apiKeys')
        .select(['id', 'label', 'keySha256', 'createdAtMs'])
        .where('keySha256', '=', keySha256)
        .where('revokedAtMs', 'is', null)
        .executeTakeFirst()
      return row
    },
    async revoke(id, nowMs) {
      const { numUpdatedRows } = await db
        .updateTable('apiKeys')
        .set(({ fn, val }) => ({ revokedAtMs: fn.coalesce('revokedAtMs', val(nowMs)) }))
        .where('id', '=', id)
        .executeTakeFirst()
      return numUpdatedRows > 0n
    },
  }
}

export function createPortalSessions(db: Kysely<Database>): PortalSessions {
  return {
    async insert(session) {
      await db.insertInto('portalSessions').values(session).execute()
    },
    get: (tokenSha256) =>
      db
        .selectFrom('portalSessions')
        .selectAll()
        .where('tokenSha256', '=', tokenSha256)
        .executeTakeFirst(),
    async touch(tokenSha256, nowMs) {
      await db
        .updateTable('portalSessions')
        .set({ lastSeenAtMs: nowMs })
        .where('tokenSha256', '=', tokenSha256)
        .execute()
    },
    async delete(tokenSha256) {
      await db.deleteFrom('portalSessions').where('tokenSha256', '=', tokenSha256).execute()
    },
    async deleteExpiredBefore(timeMs) {
      const { numDeletedRows } = await db
        .deleteFrom('portalSessions')
        .where('expiresAtMs', '<', timeMs)
        .executeTakeFirst()
      return Number(numDeletedRows)
    },
  }
}
