import type { Kysely } from 'kysely'
import { prepare } from './prepare.ts'
import type { TimelineEntry } from './records.ts'
import { present } from './rows.ts'
import type { Database, TimelineRow } from './schema.ts'
import type { Timeline } from './store.ts'

export function createTimeline(db: Kysely<Database>): Timeline {
  const countLike = prepare(
    db,
    ({ subject, verified }: Pick<TimelineRow, 'subject' | 'verified'>) =>
      db
        .selectFrom('timeline')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('subject', '=', subject)
        .where('verified', '=', verified),
  )
  const insert = prepare(db, (row: TimelineRow) => db.insertInto('timeline').values(row))

  /** @param rows of one subject, all verified or none */
  const addAlike = async (
    rows: TimelineRow[],
    most: Parameters<Timeline['add']>[1],
  ): Promise<void> => {
    const [first] = rows
    if (first === undefined) return
    const [known] = await countLike(first)
    const room = most[first.verified === 1 ? 'verified' : 'others'] - Number(known?.count)
    await Promise.all(rows.slice(0, Math.max(0, room)).map((row) => insert(row)))
  }

  return {
    async add(entries, most) {
      // Counted apart: in the insert itself SQLite takes a temporary table for it, and twice as long as for all else.
      const alike = Map.groupBy(entries.map(toRow), ({ verified, subject }) => verified + subject)
      await Promise.all([...alike.values()].map((rows) => addAlike(rows, most)))
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

function toRow(entry: TimelineEntry): TimelineRow {
  return { ...entry, ref: entry.ref ?? null, verified: entry.verified ? 1 : 0 }
}

function toEntry({ verified, ...row }: TimelineRow) {
  return { ...present(row), verified: verified === 1 }
}
