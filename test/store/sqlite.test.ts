import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, expect, test } from 'vitest'
import { openSqliteStore } from '../../src/store/index.ts'
import { storeContract } from './contract.ts'

const directory = mkdtempSync(join(tmpdir(), 'portcullis-store-'))
afterAll(() => rmSync(directory, { recursive: true }))

storeContract('SQLite in memory', () => openSqliteStore({ file: ':memory:' }))

test('keeps its content over a restart, in a file that only its owner reads', async () => {
  const file = join(directory, 'kept.sqlite')
  const first = await openSqliteStore({ file })
  await first.tenants.put({ id: 'acme', name: 'Acme' }, 0)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(statSync(`${file}-wal`).mode & 0o777).toBe(0o600)
  await first.close()
  const second = await openSqliteStore({ file })
  expect(await second.tenants.get('acme')).toEqual({ id: 'acme', name: 'Acme' })
  await second.close()
})

test('refuses a file that is no database, naming it', async () => {
  const file = join(directory, 'text.sqlite')
  writeFileSync(file, 'this is not a database, however long it may be'.repeat(50))
  await expect(openSqliteStore({ file })).rejects.toMatchObject({
    code: 'ERR_STORE',
    message: expect.stringContaining(file),
  })
})

test('refuses a database that a newer version has migrated', async () => {
  const file = join(directory, 'newer.sqlite')
  await (await openSqliteStore({ file })).close()
  const database = new DatabaseSync(file)
  database.exec(`insert into kysely_migration values ('9999-future', '2030-01-01T00:00:00Z')`)
  database.close()
  await expect(openSqliteStore({ file })).rejects.toMatchObject({ code: 'ERR_STORE' })
})

test('opens while somebody else writes, and reads what was there before', async () => {
  const file = join(directory, 'busy.sqlite')
  const first = await openSqliteStore({ file })
  await first.tenants.put({ id: 'acme', name: 'Acme' }, 0)
  const writer = new DatabaseSync(file)
  writer.exec(`begin immediate; update tenants set name = 'Other'`)
  const second = await openSqliteStore({ file })
  expect(await second.tenants.get('acme')).toEqual({ id: 'acme', name: 'Acme' })
  writer.close()
  await second.close()
  await first.close()
})

test('refuses a directory that does not exist', async () => {
  const file = join(directory, 'missing', 'x.sqlite')
  await expect(openSqliteStore({ file })).rejects.toMatchObject({ code: 'ERR_STORE' })
})
