import type { Kysely } from 'kysely'
import { prepare, prepareRows } from './prepare.ts'
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
  const insert = prepareRows((rows: TimelineRow[]) => db.insertInto('timeline').values(rows))

  /** @param rows of one subject, all verified or none; @returns those that there is room for */
  const fitting = async (
    rows: TimelineRow[],
    most: Parameters<Timeline['add']>[1],
  ): Promise<TimelineRow[]> => {
    const [first] = rows
    if (first === undefined) return []
    const [known] = await countLike(first)
    const room = most[first.verified === 1 ? 'verified' : 'others'] - Number(known?.count)
    return rows.slice(0, Math.max(0, room))
  }

  return {
    async add(entries, most) {
      // Counted apart: in the insert itself SQLite takes a temporary table for it, and twice as long as for all else.
      const alike = Map.groupBy(entries.map(toRow), ({ verified, subject }) => verified + subject)
      const rows = await Promise.all([...alike.values()].map((some) => fitting(some, most)))
      await db.transaction().execute((transaction) => insert(transaction, rows.flat()))
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

/** Its columns in one order, whatever the entry's is. */
function toRow({ id, subject, ref, atMs, event, verified, body }: TimelineEntry): TimelineRow {
  return { id, subject, ref: ref ?? null, atMs, event, verified: verified ? 1 : 0, body }
}

function toEntry({ verified, ...row }: TimelineRow) {
  return { ...present(row), verified: verified === 1 }
}
