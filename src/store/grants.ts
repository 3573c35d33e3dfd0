import type { Kysely } from 'kysely'
import { prepare } from './prepare.ts'
import type { Grant } from './records.ts'
import { present } from './rows.ts'
import type { Database, GrantRow } from './schema.ts'
import type { Grants } from './store.ts'

export function createGrants(db: Kysely<Database>): Grants {
  const open = ({ tenant, user }: Pick<Grant, 'tenant' | 'user'>, nowMs: number) =>
    db
      .selectFrom('grants')
      .where('tenant', '=', tenant)
      .where('user', '=', user)
      .where('expiresAtMs', '>', nowMs)
      .where('revokedAtMs', 'is', null)

  const count = prepare(
    db,
    ({ nowMs, ...whose }: Pick<Grant, 'tenant' | 'user'> & { nowMs: number }) =>
      open(whose, nowMs).select(({ fn }) => fn.countAll<number>().as('count')),
  )
  const insert = prepare(db, (row: GrantRow) => db.insertInto('grants').values(row))

  return {
    async insert({ clientAddress = null, revokedAtMs = null, ...grant }) {
      await insert({ ...grant, clientAddress, revokedAtMs })
    },
    async get(id) {
      const row = await db.selectFrom('grants').selectAll().where('id', '=', id).executeTakeFirst()
      return row && present(row)
    },
    async findByRef(ref) {
      const row = await db
        .selectFrom('grants')
        .selectAll()
        .where('ref', '=', ref)
        .orderBy('createdAtMs', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row && present(row)
    },
    async findByJti(jti) {
      const row = await db
        .selectFrom('grants')
        .selectAll()
        .where('jti', '=', jti)
        .executeTakeFirst()
      return row && present(row)
    },
    async countOpen({ tenant, user }, nowMs) {
      const [row] = await count({ tenant, user, nowMs })
      return Number(row?.count)
    },
    async listOpen(whose, nowMs) {
      return (await open(whose, nowMs).selectAll().execute()).map(present)
    },
    async revoke(id, nowMs) {
      const { numUpdatedRows } = await db
        .updateTable('grants')
        .set(({ fn, val }) => ({ revokedAtMs: fn.coalesce('revokedAtMs', val(nowMs)) }))
        .where('id', '=', id)
        .executeTakeFirst()
      return numUpdatedRows > 0n
    },
    async deleteExpiredBefore(timeMs) {
      const { numDeletedRows } = await db
        .deleteFrom('grants')
        .where('expiresAtMs', '<', timeMs)
        .executeTakeFirst()
      return Number(numDeletedRows)
    },
  }
}
