import { DatabaseSync } from 'node:sqlite'
import { CamelCasePlugin, Kysely } from 'kysely'
import { expect, test, vi } from 'vitest'
import { prepare } from '../../src/store/prepare.ts'
import type { Database } from '../../src/store/schema.ts'
import { sqliteDialect } from '../../src/store/sqlite-dialect.ts'

test('a prepared query is built once, and finds another row for each value', async () => {
  const database = new DatabaseSync(':memory:')
  database.exec(
    "create table policies (scope text, body text, updated_at_ms int); insert into policies values ('a', '1', 7), ('b', '2', 8)",
  )
  const db = new Kysely<Database>({
    dialect: sqliteDialect(database),
    plugins: [new CamelCasePlugin()],
  })
  const build = vi.fn((body: string) =>
    db.selectFrom('policies').select(['body', 'updatedAtMs']).where('body', '=', body),
  )
  const find = prepare(db, build)
  expect(build).not.toHaveBeenCalled()
  expect(await find('1')).toEqual({ body: '1', updatedAtMs: 7 })
  expect(await find('2')).toEqual({ body: '2', updatedAtMs: 8 })
  expect(await find('3')).toBeUndefined()
  expect(build).toHaveBeenCalledTimes(1)
  await db.destroy()
})
