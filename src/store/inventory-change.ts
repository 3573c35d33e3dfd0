import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { createHosts, createTenants, createVms } from './inventory.ts'
import {
  toHostRow,
  toTenantRow,
  toVmRow,
  upsertHosts,
  upsertTenants,
  upsertVms,
} from './inventory-upserts.ts'
import { prepareRows } from './prepare.ts'
import type { InventoryRecords } from './records.ts'
import type { Database, HostRow, TenantRow, VmRow } from './schema.ts'
import type { IdPage, Inventory, InventoryChange } from './store.ts'

/** Records read in one turn of the event loop, about two milliseconds. */
const SLICE = 250
/** Looks at what is there before all others have to wait. */
const TRIES = 3

/**
 * Whoever redeems waits for a transaction, so that all of a change but the writing is done before it: reading turn by
 * turn, and deciding. If anything was changed meanwhile, that was for nothing; after a few times everybody waits.
 */
export function createInventory(db: Kysely<Database>): Inventory {
  const putTenants = prepareRows<TenantRow>((rows) => upsertTenants(db, rows))
  const putHosts = prepareRows<HostRow>((rows) => upsertHosts(db, rows))
  const putVms = prepareRows<VmRow>((rows) => upsertVms(db, rows))

  const write = async (
    transaction: Kysely<Database>,
    { tenants = [], hosts = [], vms = [] }: InventoryChange,
    nowMs: number,
  ): Promise<void> => {
    // In this order: machines refer to both of the others.
    await putTenants(
      transaction,
      tenants.map((tenant) => toTenantRow(tenant, nowMs)),
    )
    await putHosts(
      transaction,
      hosts.map((host) => toHostRow(host, nowMs)),
    )
    await putVms(
      transaction,
      vms.map((vm) => toVmRow(vm, nowMs)),
    )
  }

  return {
    async change(decide, nowMs) {
      for (let tries = 0; tries < TRIES; tries += 1) {
        const seen = await mark(db)
        const { result, put } = await decide(await read(db))
        const isDone = await db.transaction().execute(async (transaction) => {
          if ((await mark(transaction)) !== seen) return false
          await write(transaction, put, nowMs)
          return true
        })
        if (isDone) return result
      }
      return db.transaction().execute(async (transaction) => {
        const { result, put } = await decide(await read(transaction))
        await write(transaction, put, nowMs)
        return result
      })
    },
  }
}

async function read(db: Kysely<Database>): Promise<InventoryRecords> {
  return {
    tenants: await readAll(createTenants(db)),
    hosts: await readAll(createHosts(db)),
    vms: await readAll(createVms(db)),
  }
}

async function readAll<Item extends { id: string }>(records: {
  list(page: IdPage): Promise<Item[]>
}): Promise<Item[]> {
  const all: Item[] = []
  for (let after = ''; ; ) {
    const slice = await records.list({ after, limit: SLICE })
    all.push(...slice)
    const last = slice.at(-1)
    if (last === undefined || slice.length < SLICE) return all
    after = last.id
    await nextTurn()
  }
}

/** Another one after every change: a record that is put counts its revisions, and one in place of another is newer. */
async function mark(db: Kysely<Database>): Promise<string> {
  const { rows } = await sql`
    ${markOf('tenants')} union all ${markOf('hosts')} union all ${markOf('vms')}`.execute(db)
  return JSON.stringify(rows)
}

/** As text, since the sum of so many times is no number that is exact. */
function markOf(table: 'tenants' | 'hosts' | 'vms') {
  return sql`select ${sql.lit(table)} as name, count(*) as records, sum(revision) as revisions,
    cast(sum(updated_at_ms) as text) as updated from ${sql.table(table)}`
}
