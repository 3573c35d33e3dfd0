import { DatabaseSync } from 'node:sqlite'
import { CamelCasePlugin, Kysely } from 'kysely'
import { expect, test, vi } from 'vitest'
import { upsertTenants } from '../../src/store/inventory-upserts.ts'
import { prepare, prepareRows, prepareStatement } from '../../src/store/prepare.ts'
import type { Database, PolicyRow, TenantRow } from '../../src/store/schema.ts'
import { sqliteDialect } from '../../src/store/sqlite-dialect.ts'

const TENANTS =
  'create table tenants (id text primary key, name text, revision int, created_at_ms int, updated_at_ms int)'

function open(sql: string) {
  const database = new DatabaseSync(':memory:')
  database.exec(sql)
  return new Kysely<Database>({
    dialect: sqliteDialect(database),
    plugins: [new CamelCasePlugin()],
  })
}

test('a prepared query is built once, and finds other rows for other values', async () => {
  const db = open(
    "create table policies (scope text, body text, updated_at_ms int); insert into policies values ('a', '1', 7), ('b', '2', 8), ('vm:c', '3', 8)",
  )
  const build = vi.fn(({ body, updatedAtMs }: Pick<PolicyRow, 'body' | 'updatedAtMs'>) =>
    db
      .selectFrom('policies')
      .select(['scope', 'updatedAtMs'])
      .where('updatedAtMs', '<', updatedAtMs)
      .where('body', '=', body)
      .where('scope', '!=', 'vm:c'),
  )
  const find = prepare(db, build)
  expect(build).not.toHaveBeenCalled()
  expect(await find({ body: '1', updatedAtMs: 8 })).toEqual([{ scope: 'a', updatedAtMs: 7 }])
  expect(await find({ body: '2', updatedAtMs: 9 })).toEqual([{ scope: 'b', updatedAtMs: 8 }])
  expect(await find({ body: '1', updatedAtMs: 7 })).toEqual([])
  expect(await find({ body: '3', updatedAtMs: 9 })).toEqual([])
  expect(build).toHaveBeenCalledTimes(1)
  await db.destroy()
})

function rowsOf(ids: string[], name: string): TenantRow[] {
  return ids.map((id) => ({ id, name, revision: 1, createdAtMs: 7, updatedAtMs: 8 }))
}

test('a write of some rows is built once for each number of them, and fails as a whole', async () => {
  const db = open(TENANTS)
  const build = vi.fn((rows: TenantRow[]) => db.insertInto('tenants').values(rows))
  const write = prepareStatement(build)
  await write(db, rowsOf(['a', 'b'], 'A'))
  await write(db, rowsOf(['c'], 'B'))
  await write(db, rowsOf(['d', 'e'], 'C'))
  await expect(write(db, rowsOf(['f', 'a'], 'D'))).rejects.toMatchObject({ code: 'ERR_STORE' })
  const rows = await db.selectFrom('tenants').select(['id', 'name']).orderBy('id').execute()
  expect(rows.map(({ id, name }) => id + name)).toEqual(['aA', 'bA', 'cB', 'dC', 'eC'])
  expect(build).toHaveBeenCalledTimes(2)
  await db.destroy()
})

test('a write of many rows is built for two numbers of them, and writes each row once', async () => {
  const db = open(TENANTS)
  const build = vi.fn((rows: TenantRow[]) => upsertTenants(db, rows))
  const write = prepareRows(build)
  const ids = Array.from({ length: 131 }, (_, n) => `t${n}`)
  for (const name of ['A', 'B']) {
    await write(db, rowsOf(ids, name))
  }
  await write(db, [])
  const rows = await db.selectFrom('tenants').selectAll().orderBy('createdAtMs').execute()
  expect(rows).toHaveLength(131)
  const [first] = rows
  expect(first).toEqual({ id: 't0', name: 'B', revision: 2, createdAtMs: 7, updatedAtMs: 8 })
  expect(build.mock.calls.map(([{ length }]) => length)).toEqual([64, 1])
  await db.destroy()
})
