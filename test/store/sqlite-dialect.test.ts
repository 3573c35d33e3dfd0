import { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Generated, Kysely, sql } from 'kysely'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { sqliteDialect } from '../../src/store/sqlite-dialect.ts'

interface Tables {
  notes: { id: Generated<number>; text: string }
}

let database: DatabaseSync
let db: Kysely<Tables>

beforeEach(() => {
  database = new DatabaseSync(':memory:')
  database.exec('create table notes (id integer primary key, text text not null unique)')
  db = new Kysely<Tables>({ dialect: sqliteDialect(database) })
})
afterEach(() => db.destroy())

const write = (text: string) => db.insertInto('notes').values({ text }).execute()
const add = (text: string) =>
  db
    .transaction()
    .execute((transaction) => transaction.insertInto('notes').values({ text }).execute())
const texts = async () => {
  const rows = await db.selectFrom('notes').select('text').orderBy('id').execute()
  return rows.map(({ text }) => text)
}

const storeError = { code: 'ERR_STORE', message: 'store: database is locked' }

/** The engine fails once, at this statement. */
function failAt(failing: string): void {
  const exec = vi.spyOn(database, 'exec')
  exec.mockImplementation(function (this: DatabaseSync, sql: string) {
    if (sql !== failing) return DatabaseSync.prototype.exec.call(database, sql)
    exec.mockRestore()
    throw new Error('database is locked')
  })
}

test('the writes of one turn share one commit', async () => {
  const exec = vi.spyOn(database, 'exec')
  await Promise.all(['a', 'b', 'c', 'd'].map(write))
  expect(exec.mock.calls.flat()).toEqual(['begin immediate', 'commit'])
  expect(await texts()).toEqual(['a', 'b', 'c', 'd'])
})

test('a write that breaks a constraint fails alone', async () => {
  const outcomes = await Promise.allSettled(['a', 'a', 'b'].map(write))
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(await texts()).toEqual(['a', 'b'])
})

test('when the commit fails, every write of the turn fails and nothing is left open', async () => {
  failAt('commit')
  const outcomes = await Promise.allSettled(['a', 'b'].map(write))
  const failed = { status: 'rejected', reason: storeError }
  expect(outcomes).toMatchObject([failed, failed])
  expect(database.isTransaction).toBe(false)
  await write('c')
  expect(await texts()).toEqual(['c'])
})

test('writes beside an explicit transaction wait for its end', async () => {
  let beside: Promise<unknown> | undefined
  await db.transaction().execute(async (transaction) => {
    await transaction.insertInto('notes').values({ text: 'inside' }).execute()
    beside = write('beside')
    await transaction.insertInto('notes').values({ text: 'inside too' }).execute()
    expect(await transaction.selectFrom('notes').select('text').execute()).toHaveLength(2)
  })
  await beside
  expect(await texts()).toEqual(['inside', 'inside too', 'beside'])
})

test('a transaction that throws leaves nothing behind', async () => {
  const failing = db.transaction().execute(async (transaction) => {
    await transaction.insertInto('notes').values({ text: 'inside' }).execute()
    throw new Error('changed my mind')
  })
  const beside = write('beside')
  await expect(failing).rejects.toThrow('changed my mind')
  await beside
  expect(await texts()).toEqual(['beside'])
})

test('transactions that begin in the same turn run one after the other', async () => {
  const addNumbered = (text: string) =>
    db.transaction().execute(async (transaction) => {
      const before = await transaction.selectFrom('notes').selectAll().execute()
      await transaction
        .insertInto('notes')
        .values({ text: `${text}${before.length}` })
        .execute()
    })
  await Promise.all([addNumbered('a'), addNumbered('b'), addNumbered('c')])
  expect(await texts()).toEqual(['a0', 'b1', 'c2'])
})

test.each(['begin immediate', 'savepoint own'])(
  'a transaction whose %j fails does so alone, and what waits for it goes on',
  async (failing) => {
    failAt(failing)
    const failed = db.transaction().execute(async () => {})
    const beside = write('beside')
    await expect(failed).rejects.toMatchObject(storeError)
    await beside
    expect(await texts()).toEqual(['beside'])
  },
)

test('a transaction that cannot be undone says so as one that cannot begin', async () => {
  failAt('rollback to own; release own')
  const failed = db.transaction().execute(() => Promise.reject(new Error('changed my mind')))
  await expect(failed).rejects.toMatchObject(storeError)
})

test('transactions that cannot be committed are undone, and the next turn begins anew', async () => {
  failAt('commit')
  const outcomes = await Promise.allSettled([add('a'), write('beside'), add('b')])
  const failed = { status: 'rejected', reason: storeError }
  expect(outcomes).toMatchObject([failed, failed, failed])
  expect(database.isTransaction).toBe(false)
  await add('c')
  expect(await texts()).toEqual(['c'])
})

test('transactions and writes of one turn share one commit, and are told after it', async () => {
  const log: string[] = []
  vi.spyOn(database, 'exec').mockImplementation(function (this: DatabaseSync, sql: string) {
    log.push(sql)
    return DatabaseSync.prototype.exec.call(database, sql)
  })
  await Promise.all([add, write, add].map((work, n) => work(`${n}`).then(() => log.push('told'))))
  const own = ['savepoint own', 'release own']
  expect(log).toEqual(['begin immediate', ...own, ...own, 'commit', 'told', 'told', 'told'])
  expect((await texts()).sort()).toEqual(['0', '1', '2'])
})

test('a transaction that throws takes nothing of its turn along', async () => {
  const failing = db.transaction().execute(async (transaction) => {
    await transaction.insertInto('notes').values({ text: 'inside' }).execute()
    throw new Error('changed my mind')
  })
  const outcomes = await Promise.allSettled([write('before'), add('a'), failing, add('b')])
  const fulfilled = { status: 'fulfilled' }
  expect(outcomes).toMatchObject([fulfilled, fulfilled, { status: 'rejected' }, fulfilled])
  expect(await texts()).toEqual(['before', 'a', 'b'])
})

test('a transaction of several turns is kept whole', async () => {
  const exec = vi.spyOn(database, 'exec')
  const slow = db.transaction().execute(async (transaction) => {
    await transaction.insertInto('notes').values({ text: 'first' }).execute()
    for (let turns = 0; turns < 3; turns += 1) await nextTurn()
    expect(exec).not.toHaveBeenCalledWith('commit')
    await transaction.insertInto('notes').values({ text: 'second' }).execute()
  })
  await Promise.all([slow, write('beside')])
  expect((await texts()).sort()).toEqual(['beside', 'first', 'second'])
})

test('what fails with its turn, since the engine has undone that, leaves nothing behind', async () => {
  await write('there')
  const undoing = sql`insert or rollback into notes (text) values ('there')`.execute(db)
  const outcomes = await Promise.allSettled([undoing, write('after'), add('own'), write('last')])
  expect(outcomes.map(({ status }) => status)).toEqual(Array(4).fill('rejected'))
  expect(await texts()).toEqual(['there'])
  await nextTurn()
  await add('next')
  expect(await texts()).toEqual(['there', 'next'])
})
