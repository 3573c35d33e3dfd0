import type { Kysely, Selectable, Transaction } from 'kysely'
import { BrokerError } from '../lib/index.ts'
import { countSessions, toLease, toLeaseRow } from './leases.ts'
import { prepare } from './prepare.ts'
import { present } from './rows.ts'
import type { Database, LeaseRow, RedeemRow } from './schema.ts'
import type { RedeemOutcome, Redeems } from './store.ts'
import type { Redeem, StoredRevocation } from './trust-records.ts'

/** Two first presentations can meet once; more often means that something else is wrong. */
const MAX_TRIES = 5

export function createRedeems(db: Kysely<Database>): Redeems {
  const statements = prepareStatements(db)

  return {
    async redeem(key, decide, vm) {
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        const outcome = await db.transaction().execute(async (transaction) => {
          const known = await read(statements, transaction, key)
          const others =
            vm === undefined ? 0 : await statements.countSessions({ vm, but: key }, transaction)
          const decided = decide(known, others)
          return (await keep(statements, transaction, { key, ...decided })) ? decided : undefined
        })
        if (outcome !== undefined) return outcome.result
      }
      throw new BrokerError('ERR_STORE', `redeem: lost ${MAX_TRIES} races for one token`)
    },
    async get(key) {
      const [row] = await statements.find({ key })
      return row && toRedeem(row)
    },
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

/** What a redeem asks of the store. */
function prepareStatements(db: Kysely<Database>) {
  return {
    /** Comes first: on engines with row locks the next presentation waits here. */
    claim: prepare(db, ({ key }: Key) =>
      db
        .updateTable('redeems')
        .set(({ eb }) => ({ revision: eb('revision', '+', 1) }))
        .where('key', '=', key)
        .returningAll(),
    ),
    find: prepare(db, ({ key }: Key) =>
      db.selectFrom('redeems').selectAll().where('key', '=', key),
    ),
    leasesOf: prepare(db, ({ key }: Key) =>
      db.selectFrom('leases').selectAll().where('key', '=', key).orderBy('openedAtMs'),
    ),
    countSessions: countSessions(db),
    /** No row when another first presentation was faster. */
    insert: prepare(db, (row: RedeemRow) =>
      db
        .insertInto('redeems')
        .values(row)
        .onConflict((conflict) => conflict.column('key').doNothing())
        .returning('key'),
    ),
    insertLease: prepare(db, (row: LeaseRow) => db.insertInto('leases').values(row)),
    /** A new console of a VM ends the reconnect windows of its older ones. */
    supersede: prepare(db, ({ key, vm }: Pick<RedeemRow, 'key' | 'vm'>) =>
      db
        .updateTable('redeems')
        .set({ superseded: 1 })
        .where('vm', '=', vm)
        .where('reconnectMs', '>', 0)
        .where('key', '!=', key),
    ),
  }
}

type Statements = ReturnType<typeof prepareStatements>
type Key = Pick<RedeemRow, 'key'>

async function read({ claim, leasesOf }: Statements, on: Transaction<Database>, key: string) {
  const [row] = await claim({ key }, on)
  if (row === undefined) return undefined
  const leases = await leasesOf({ key }, on)
  return { redeem: toRedeem(row), leases: leases.map(toLease) }
}

/** @returns false when another first presentation was faster: decide again */
async function keep<Result>(
  { insert, supersede, insertLease }: Statements,
  on: Transaction<Database>,
  { key, redeem, lease, rebind }: RedeemOutcome<Result> & Key,
): Promise<boolean> {
  if (redeem !== undefined) {
    const { vm } = redeem
    const inserted = await insert(toRow(redeem), on)
    if (inserted.length === 0) return false
    if (vm !== undefined) await supersede({ key, vm }, on)
  }
  if (rebind !== undefined) {
    await on.updateTable('redeems').set(rebind).where('key', '=', key).execute()
  }
  if (lease !== undefined) await insertLease(toLeaseRow(lease), on)
  return true
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
