import { type Kysely, type NotNull, type Selectable, type SqlBool, sql } from 'kysely'
import { identifiedAs } from './identified.ts'
import { prepare } from './prepare.ts'
import { type Present, present } from './rows.ts'
import type { Database, LeaseRow } from './schema.ts'
import type { Leases } from './store.ts'
import type { Lease, LeaseUsage } from './trust-records.ts'

/** Tunnels named in one statement: a fixed number, so that it is prepared once. */
const CHUNK = 100

export function createLeases(db: Kysely<Database>): Leases {
  const countOf = countSessions(db)

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
    async report(node, usages, nowMs) {
      // In one turn, and so in one transaction.
      await Promise.all([...chunksOf(usages)].map((chunk) => report(db, node, chunk, nowMs)))
    },
    async describe({ node, tunnel, transport, takesMessages }) {
      await db
        .updateTable('leases')
        .set({ transport, takesMessages: takesMessages ? 1 : 0 })
        .where('node', '=', node)
        .where('tunnel', '=', tunnel)
        .execute()
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
      return lost.map(toSession)
    },
    async list({ ref, vm, tenant, host, user, node } = {}) {
      const rows = await selectSessions(db)
        .where('leases.endedAtMs', 'is', null)
        .where(({ and, eb }) =>
          and([
            ...(ref === undefined ? [] : [eb('grants.ref', '=', ref)]),
            ...(vm === undefined ? [] : [eb('redeems.vm', '=', vm)]),
            ...(tenant === undefined ? [] : [eb('redeems.tenant', '=', tenant)]),
            ...(host === undefined ? [] : [isOfHost(db, host)]),
            ...(user === undefined ? [] : [eb('redeems.user', '=', user)]),
            ...(node === undefined ? [] : [eb('leases.node', '=', node)]),
          ]),
        )
        .orderBy('leases.openedAtMs')
        .orderBy('leases.id')
        .execute()
      return rows.map(toSession)
    },
    async listBurned(node) {
      const rows = await selectSessions(db)
        .select('redeems.burned')
        .where('leases.node', '=', node)
        .where('leases.endedAtMs', 'is', null)
        .where('redeems.burned', 'is not', null)
        .$narrowType<{ burned: NotNull }>()
        .execute()
      return rows.map(toSession)
    },
    async get(id) {
      const row = await selectSessions(db).where('leases.id', '=', id).executeTakeFirst()
      return row && toSession(row)
    },
    async find(node, tunnel) {
      const row = await selectSessions(db)
        .where('leases.node', '=', node)
        .where('leases.tunnel', '=', tunnel)
        .executeTakeFirst()
      return row && toSession(row)
    },
    countOfVm: (vm) => countOf({ vm, but: '' }),
  }
}

/** By the machine; a token that names none says `host:port`, in the form by which the host is identified. */
function isOfHost(db: Kysely<Database>, host: string) {
  const machines = db.selectFrom('vms').select('id').where('host', '=', host)
  return sql<SqlBool>`(redeems.vm in ${machines} or (redeems.vm is null and redeems.host = (
    select case when said like '%:%' then '[' || said || ']' else said end || ':' || port
    from (select port, ${identifiedAs} as said from hosts where id = ${host}) as identified)))`
}

/** Of a machine: how many are open; `but` is the key of a token that is not counted. */
export function countSessions(db: Kysely<Database>) {
  const count = prepare(db, ({ vm, but }: { vm: string; but: string }) =>
    db
      .selectFrom('redeems')
      .innerJoin('leases', 'leases.key', 'redeems.key')
      .select(({ fn }) => fn.count<number>('redeems.key').distinct().as('sessions'))
      .where('redeems.vm', '=', vm)
      .where('redeems.key', '!=', but)
      .where('leases.endedAtMs', 'is', null),
  )
  return async (...values: Parameters<typeof count>): Promise<number> => {
    const [row] = await count(...values)
    return Number(row?.sessions)
  }
}

export function toLease(row: Selectable<LeaseRow>): Lease {
  return toSession(row)
}

/** Of a lease whose node has not told any more than that it is there. */
const UNTOLD = {
  ...{ endedAtMs: null, endReason: null, transport: null, takesMessages: null },
  ...{ idleSeconds: null, bytesIn: null, bytesOut: null },
}

export function toLeaseRow({ takesMessages, ...lease }: Lease): LeaseRow {
  return {
    ...UNTOLD,
    ...lease,
    ...(takesMessages === undefined ? {} : { takesMessages: takesMessages ? 1 : 0 }),
  }
}

/** NULLs are absent, a flag is a boolean; other columns come along as they are. */
function toSession<Row extends Pick<Selectable<LeaseRow>, 'takesMessages'>>(
  row: Row,
): Present<Omit<Row, 'takesMessages'>> & { takesMessages?: boolean } {
  const { takesMessages, ...rest } = row
  return {
    ...present(rest),
    ...(takesMessages === null ? {} : { takesMessages: takesMessages === 1 }),
  }
}

/** One statement for many: a node may have thousands of tunnels. */
async function report(
  db: Kysely<Database>,
  node: string,
  usages: readonly LeaseUsage[],
  nowMs: number,
): Promise<void> {
  const rows = usages.map(
    ({ tunnel, transport, takesMessages, idleSeconds, bytesIn, bytesOut }) =>
      sql`(cast(${tunnel} as text), cast(${transport} as text),
        cast(${takesMessages ? 1 : 0} as smallint), cast(${idleSeconds} as bigint),
        cast(${bytesIn} as bigint), cast(${bytesOut} as bigint))`,
  )
  await sql`update leases set seen_at_ms = ${nowMs}, ended_at_ms = null, end_reason = null,
      transport = told.column2, takes_messages = told.column3, idle_seconds = told.column4,
      bytes_in = told.column5, bytes_out = told.column6
    from (values ${sql.join(rows)}) as told
    where leases.node = ${node} and leases.tunnel = told.column1
      and (leases.ended_at_ms is null or leases.end_reason = 'node-lost')`.execute(db)
}

function selectSessions(db: Kysely<Database>) {
  return db
    .selectFrom('leases')
    .innerJoin('redeems', 'redeems.key', 'leases.key')
    .leftJoin('grants', 'grants.jti', 'redeems.jti')
    .selectAll('leases')
    .select(['redeems.jti', 'redeems.tenant', 'redeems.user', 'redeems.vm', 'redeems.host'])
    .select('grants.ref')
    .$castTo<SessionRow>()
}

type SessionRow = Selectable<LeaseRow> & {
  [Name in 'jti' | 'ref' | 'tenant' | 'user' | 'vm' | 'host']: string | null
}

/** The last chunk is filled up with its last item, which changes nothing. */
function* chunksOf<Item>(items: readonly Item[]): Generator<Item[]> {
  for (let start = 0; start < items.length; start += CHUNK) {
    const chunk = items.slice(start, start + CHUNK)
    const last = chunk.slice(-1)
    yield [...chunk, ...Array.from({ length: CHUNK - chunk.length }, () => last).flat()]
  }
}
