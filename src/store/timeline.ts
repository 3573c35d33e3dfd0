import { type Kysely, sql } from 'kysely'
import { present } from './rows.ts'
import type { Database, TimelineRow } from './schema.ts'
import type { Timeline } from './store.ts'

export function createTimeline(db: Kysely<Database>): Timeline {
  return {
    async add({ id, subject, ref = null, atMs, event, verified, body }, most) {
      const flag = verified ? 1 : 0
      await sql`insert into timeline (id, subject, ref, at_ms, event, verified, body)
        select cast(${id} as text), cast(${subject} as text), cast(${ref} as text),
          cast(${atMs} as bigint), cast(${event} as text), cast(${flag} as smallint),
          cast(${body} as text)
        where (select count(*) from timeline where subject = ${subject} and verified = ${flag})
          < ${most}`.execute(db)
    },
    async list(subject) {
      const rows = await db
        .selectFrom('timeline')
        .selectAll()
        .where('subject', '=', subject)
        .orderBy('atMs')
        .orderBy('id')
        .execute()
      return rows.map(toEntry)
    },
    async findSubject(ref) {
      const row = await db
        .selectFrom('timeline')
        .select('subject')
        .where('ref', '=', ref)
        .orderBy('id', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row?.subject
    },
    async trim({ beforeMs, mostUnverified }) {
      await db.deleteFrom('timeline').where('atMs', '<', beforeMs).execute()
      const last = await db
        .selectFrom('timeline')
        .select('id')
        .where('verified', '=', 0)
        .orderBy('id', 'desc')
        .offset(mostUnverified)
        .limit(1)
        .executeTakeFirst()
      if (last === undefined) return
      await db.deleteFrom('timeline').where('verified', '=', 0).where('id', '<=', last.id).execute()
    },
  }
}

function toEntry({ verified, ...row }: TimelineRow) {
  return { ...present(row), verified: verified === 1 }
}
