import type { Kysely, NotNull, Selectable } from 'kysely'
import { present } from './rows.ts'
import type { Database, LeaseRow } from './schema.ts'
import type { Leases } from './store.ts'
import type { Lease } from './trust-records.ts'

/** Tunnels named in one statement: a fixed number, so that it is prepared once. */
const CHUNK = 100

export function createLeases(db: Kysely<Database>): Leases {
  return {
    async end({ node, tunnel, endedAtMs, reason, bytesIn, bytesOut, burns = false }) {
      await db.transaction().execute(async (transaction) => {
        const row = await transaction
          .updateTable('leases')
          .set(({ fn, val }) => ({
            endedAtMs: fn.coalesce('endedAtMs', val(endedAtMs)),
            ...(reason === undefined ? {} : { endReason: fn.coalesce('endReason', val(reason)) }),
            ...(bytesIn === undefined ? {} : { bytesIn }),
            ...(bytesOut === undefined ? {} : { bytesOut }),
          }))
          .where('node', '=', node)
          .where('tunnel', '=', tunnel)
          .returning('key')
          .executeTakeFirst()
        if (row === undefined || !burns || reason === undefined) return
        await transaction
          .updateTable('redeems')
          .set(({ fn, val }) => ({ burned: fn.coalesce('burned', val(reason)) }))
          .where('key', '=', row.key)
          .execute()
      })
    },
    async renew(node, tunnels, nowMs) {
      for (const names of chunksOf(tunnels)) {
        await db
          .updateTable('leases')
          .set({ seenAtMs: nowMs, endedAtMs: null, endReason: null })
          .where('node', '=', node)
          .where('tunnel', 'in', names)
          .where(({ or, eb }) =>
            or([eb('endedAtMs', 'is', null), eb('endReason', '=', 'node-lost')]),
          )
          .execute()
      }
    },
    async endLost(seenBeforeMs) {
      const lost = await selectSessions(db)
        .where('leases.endedAtMs', 'is', null)
        .where('leases.seenAtMs', '<', seenBeforeMs)
        .execute()
      if (lost.length === 0) return []
      await db
        .updateTable('leases')
        .set(({ ref }) => ({ endedAtMs: ref('seenAtMs'), endReason: 'node-lost' }))
        .where('endedAtMs', 'is', null)
        .where('seenAtMs', '<', seenBeforeMs)
        .execute()
      return lost.map(present)
    },
    async list() {
      const rows = await selectSessions(db)
        .where('leases.endedAtMs', 'is', null)
        .orderBy('leases.openedAtMs')
        .orderBy('leases.id')
        .execute()
      return rows.map(present)
    },
    async listBurned(node) {
      const rows = await selectSessions(db)
        .select('redeems.burned')
        .where('leases.node', '=', node)
        .where('leases.endedAtMs', 'is', null)
        .where('redeems.burned', 'is not', null)
        .$narrowType<{ burned: NotNull }>()
        .execute()
      return rows.map(present)
    },
    async get(id) {
      const row = await selectSessions(db).where('leases.id', '=', id).executeTakeFirst()
      return row && present(row)
    },
    async find(node, tunnel) {
      const row = await selectSessions(db)
        .where('leases.node', '=', node)
        .where('leases.tunnel', '=', tunnel)
        .executeTakeFirst()
      return row && present(row)
    },
    countOfVm: (vm) => countSessions(db, { vm }),
  }
}

/** @param but the key of a token that is not counted */
export async function countSessions(
  db: Kysely<Database>,
  { vm, but = '' }: { vm: string; but?: string },
): Promise<number> {
  const { sessions } = await db
    .selectFrom('redeems')
    .innerJoin('leases', 'leases.key', 'redeems.key')
    .select(({ fn }) => fn.count<number>('redeems.key').distinct().as('sessions'))
    .where('redeems.vm', '=', vm)
    .where('redeems.key', '!=', but)
    .where('leases.endedAtMs', 'is', null)
    .executeTakeFirstOrThrow()
  return Number(sessions)
}

export function toLease(row: Selectable<LeaseRow>): Lease {
  return present(row)
}

function selectSessions(db: Kysely<Database>) {
  return db
    .selectFrom('leases')
    .innerJoin('redeems', 'redeems.key', 'leases.key')
    .selectAll('leases')
    .select(['redeems.jti', 'redeems.tenant', 'redeems.user', 'redeems.vm'])
    .$castTo<SessionRow>()
}

type SessionRow = Selectable<LeaseRow> & {
  [Name in 'jti' | 'tenant' | 'user' | 'vm']: string | null
}

/** The last chunk is filled up with its last name, which changes nothing. */
function* chunksOf(names: readonly string[]): Generator<string[]> {
  for (let start = 0; start < names.length; start += CHUNK) {
    const chunk = names.slice(start, start + CHUNK)
    const last = chunk.at(-1) ?? ''
    yield [...chunk, ...Array.from({ length: CHUNK - chunk.length }, () => last)]
  }
}
