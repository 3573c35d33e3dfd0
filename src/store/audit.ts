import type { Kysely } from 'kysely'
import { prepareStatement } from './prepare.ts'
import type { AuditRecord } from './records.ts'
import { present } from './rows.ts'
import type { AuditRow, Database } from './schema.ts'
import type { Audit } from './store.ts'

/** Rows of one statement: as many different ones may be prepared. */
const CHUNK = 64

export function createAudit(db: Kysely<Database>): Audit {
  const insert = prepareStatement((rows: AuditRow[]) => db.insertInto('audit').values(rows))

  return {
    async append(records) {
      // One statement is atomic by itself, and then shares its commit with whatever else is written in this turn.
      if (records.length <= CHUNK) {
        await insert(db, records.map(toRow))
        return
      }
      await db.transaction().execute(async (transaction) => {
        for (let start = 0; start < records.length; start += CHUNK) {
          await insert(transaction, records.slice(start, start + CHUNK).map(toRow))
        }
      })
    },
    async last(broker) {
      const row = await db
        .selectFrom('audit')
        .selectAll()
        .where('broker', '=', broker)
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row && present(row)
    },
    async list({ after, limit, newest = false, actor, action, ref }) {
      let query = db.selectFrom('audit').selectAll().limit(limit)
      if (actor !== undefined) query = query.where('actor', '=', actor)
      if (action !== undefined) query = query.where('action', '=', action)
      if (ref !== undefined) query = query.where('ref', '=', ref)
      if (after !== undefined) {
        const { broker, seq } = after
        query = query.where(({ or, and, eb }) =>
          or([eb('broker', '>', broker), and([eb('broker', '=', broker), eb('seq', '>', seq)])]),
        )
      }
      const ordered = newest
        ? query.orderBy('atMs', 'desc').orderBy('broker', 'desc').orderBy('seq', 'desc')
        : query.orderBy('broker').orderBy('seq')
      return (await ordered.execute()).map((row) => present(row))
    },
    async addCheckpoint(checkpoint) {
      await db.insertInto('auditCheckpoints').values(checkpoint).execute()
    },
    lastCheckpoint: (broker) =>
      db
        .selectFrom('auditCheckpoints')
        .selectAll()
        .where('broker', '=', broker)
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst(),
    listCheckpoints: ({ after, limit }) =>
      db
        .selectFrom('auditCheckpoints')
        .selectAll()
        .$if(after !== undefined, (query) =>
          query.where(({ or, and, eb }) =>
            or([
              eb('broker', '>', after?.broker ?? ''),
              and([eb('broker', '=', after?.broker ?? ''), eb('seq', '>', after?.seq ?? 0)]),
            ]),
          ),
        )
        .orderBy('broker')
        .orderBy('seq')
        .limit(limit)
        .execute(),
    async forget(broker, beforeMs) {
      await db.transaction().execute(async (transaction) => {
        const anchor = await transaction
          .selectFrom('auditCheckpoints')
          .select('seq')
          .where('broker', '=', broker)
          .where('atMs', '<', beforeMs)
          .orderBy('seq', 'desc')
          .limit(1)
          .executeTakeFirst()
        if (anchor === undefined) return
        const { seq } = anchor
        const records = transaction.deleteFrom('audit').where('broker', '=', broker)
        await records.where('seq', '<=', seq).execute()
        // The last of them stays: it is what the first record that is left follows.
        const checkpoints = transaction.deleteFrom('auditCheckpoints').where('broker', '=', broker)
        await checkpoints.where('seq', '<', seq).execute()
      })
    },
  }
}

/** Its columns in one order, whatever the record's is. */
function toRow({ broker, seq, prev, hash, atMs, ...what }: AuditRecord): AuditRow {
  const { actor, action, subject, outcome, ref = null, details = null } = what
  return { broker, seq, prev, hash, atMs, actor, action, subject, outcome, ref, details }
}
