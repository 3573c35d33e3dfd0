import type { Kysely, Selectable } from 'kysely'
import { USER_ROLES, type User } from './records.ts'
import { deleted, parseNames, present, stamped } from './rows.ts'
import type { Database, UserRow } from './schema.ts'
import type { PortalSessions, Users } from './store.ts'

export function createUsers(db: Kysely<Database>): Users {
  const get: Users['get'] = async (id) => {
    const row = await db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()
    return row && toUser(row)
  }

  return {
    get,
    async put({ id, tenant, roles, disabled, passwordHash }, nowMs) {
      const values = {
        tenant: tenant ?? null,
        roles: roles.join(' '),
        disabled: disabled ? (1 as const) : (0 as const),
        passwordHash,
      }
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
    async list({ after = '', limit } = {}) {
      const rows = await db
        .selectFrom('users')
        .selectAll()
        .where('id', '>', after)
        .$if(limit !== undefined, (query) => query.limit(limit ?? 0))
        .orderBy('id')
        .execute()
      return rows.map(toUser)
    },
    async delete(id) {
      const result = await db.deleteFrom('users').where('id', '=', id).executeTakeFirst()
      return deleted(result, () => get(id))
    },
  }
}

function toUser({ id, tenant, roles, disabled, passwordHash }: Selectable<UserRow>): User {
  return {
    ...present({ id, tenant, passwordHash }),
    roles: parseNames(roles, USER_ROLES),
    disabled: disabled === 1,
  }
}

export function createPortalSessions(db: Kysely<Database>): PortalSessions {
  return {
    insert: (session, passwordHash) =>
      db.transaction().execute(async (transaction) => {
        // Changes nothing but holds the row: whatever changes the user comes before or after all of this.
        const { numUpdatedRows } = await transaction
          .updateTable('users')
          .set({ disabled: 0 })
          .where('id', '=', session.user)
          .where('passwordHash', '=', passwordHash)
          .where('disabled', '=', 0)
          .executeTakeFirst()
        if (numUpdatedRows === 0n) return false
        await transaction.insertInto('portalSessions').values(session).execute()
        return true
      }),
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
    async deleteOfUser(user) {
      const { numDeletedRows } = await db
        .deleteFrom('portalSessions')
        .where('user', '=', user)
        .executeTakeFirst()
      return Number(numDeletedRows)
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
