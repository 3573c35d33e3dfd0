import type { Kysely, Selectable, Transaction } from 'kysely'
import { BrokerError } from '../lib/index.ts'
import { countSessions, toLease, toLeaseRow } from './leases.ts'
import { present } from './rows.ts'
import type { Database, RedeemRow } from './schema.ts'
import type { RedeemOutcome, Redeems } from './store.ts'
import type { Redeem, StoredRevocation } from './trust-records.ts'

/** Two first presentations can meet once; more often means that something else is wrong. */
const MAX_TRIES = 5

export function createRedeems(db: Kysely<Database>): Redeems {
  return {
    async redeem(key, decide, vm) {
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        const outcome = await db.transaction().execute(async (transaction) => {
          const known = await read(transaction, key)
          const others = vm === undefined ? 0 : await countSessions(transaction, { vm, but: key })
          const decided = decide(known, others)
          return (await keep(transaction, key, decided)) ? decided : undefined
        })
        if (outcome !== undefined) return outcome.result
      }
      throw new BrokerError('ERR_STORE', `redeem: lost ${MAX_TRIES} races for one token`)
    },
    get: (key) => find(db, key),
    async burn(key, reason) {
      const { numUpdatedRows } = await db
        .updateTable('redeems')
        .set(({ fn, val }) => ({ burned: fn.coalesce('burned', val(reason)) }))
        .where('key', '=', key)
        .executeTakeFirst()
      return numUpdatedRows > 0n
    },
    async burnRevoked(revocation) {
      const named = db
        .updateTable('redeems')
        .set({ burned: 'token-revoked' })
        .where('burned', 'is', null)
      const { kind, value, atMs } = revocation
      if (kind === 'jti') await named.where('jti', '=', value).execute()
      else {
        const column = COLUMNS[kind]
        const issued = named.where('issuedAtMs', '<=', atMs)
        await (column === undefined ? issued : issued.where(column, '=', value)).execute()
      }
    },
    async deleteForgotten(nowMs) {
      const { numDeletedRows } = await db
        .deleteFrom('redeems')
        .where('forgetAtMs', '<', nowMs)
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('leases')
                .select('leases.id')
                .whereRef('leases.key', '=', 'redeems.key')
                .where(({ or, eb, ref }) =>
                  or([
                    eb('leases.endedAtMs', 'is', null),
                    // A session that has ended may come back within its reconnect window.
                    eb(eb('leases.endedAtMs', '+', ref('redeems.reconnectMs')), '>=', nowMs),
                  ]),
                ),
            ),
          ),
        )
        .executeTakeFirst()
      return Number(numDeletedRows)
    },
  }
}

/** Where a revocation's value is found. */
const COLUMNS = {
  vm: 'vm',
  tenant: 'tenant',
  user: 'user',
  issuer: 'issuerThumbprint',
  before: undefined,
} as const satisfies Record<Exclude<StoredRevocation['kind'], 'jti'>, keyof RedeemRow | undefined>

/** The update comes first: on engines with row locks the next presentation waits here. */
async function read(db: Transaction<Database>, key: string) {
  await db
    .updateTable('redeems')
    .set(({ eb }) => ({ revision: eb('revision', '+', 1) }))
    .where('key', '=', key)
    .execute()
  const redeem = await find(db, key)
  if (redeem === undefined) return undefined
  const rows = await db
    .selectFrom('leases')
    .selectAll()
    .where('key', '=', key)
    .orderBy('openedAtMs')
    .execute()
  return { redeem, leases: rows.map(toLease) }
}

/** @returns false when another first presentation was faster: decide again */
async function keep<Result>(
  db: Transaction<Database>,
  key: string,
  { redeem, lease, rebind }: RedeemOutcome<Result>,
): Promise<boolean> {
  if (redeem !== undefined) {
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('redeems')
      .values(toRow(redeem))
      .onConflict((conflict) => conflict.column('key').doNothing())
      .executeTakeFirst()
    if (numInsertedOrUpdatedRows === 0n) return false
    if (redeem.vm !== undefined) await supersede(db, key, redeem.vm)
  }
  if (rebind !== undefined) {
    await db.updateTable('redeems').set(rebind).where('key', '=', key).execute()
  }
  if (lease !== undefined) await db.insertInto('leases').values(toLeaseRow(lease)).execute()
  return true
}

/** A new console of a VM ends the reconnect windows of its older ones. */
async function supersede(db: Transaction<Database>, key: string, vm: string): Promise<void> {
  await db
    .updateTable('redeems')
    .set({ superseded: 1 })
    .where('vm', '=', vm)
    .where('reconnectMs', '>', 0)
    .where('key', '!=', key)
    .execute()
}

async function find(db: Kysely<Database>, key: string): Promise<Redeem | undefined> {
  const row = await db.selectFrom('redeems').selectAll().where('key', '=', key).executeTakeFirst()
  return row && toRedeem(row)
}

function toRedeem({ revision: _, superseded, ...row }: Selectable<RedeemRow>): Redeem {
  return { ...present(row), superseded: superseded === 1 }
}

function toRow(redeem: Redeem): RedeemRow {
  return {
    ...redeem,
    jti: redeem.jti ?? null,
    tenant: redeem.tenant ?? null,
    user: redeem.user ?? null,
    vm: redeem.vm ?? null,
    hostKind: redeem.hostKind ?? null,
    host: redeem.host ?? null,
    burned: redeem.burned ?? null,
    superseded: redeem.superseded ? 1 : 0,
    revision: 1,
  }
}
