import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { secretSha256 } from '../../src/broker/api-keys.ts'
import { register } from '../../src/cli/key.ts'
import { Secret } from '../../src/lib/index.ts'
import { openSqliteStore } from '../../src/store/index.ts'
import { BROKER } from '../config/files.ts'
import { runCommand, writeFiles } from './run-command.ts'

const create = (...args: string[]) => runCommand(register, ['key', 'create', ...args])

test('makes the first key, which the store then knows, and no second', async () => {
  const files = writeFiles({ 'broker.yaml': BROKER })
  const args = ['--bootstrap', '--config', files['broker.yaml']]
  const out = join(files.directory, 'admin.key')
  expect((await create(...args, '--id', 'UPPER', '--out', out)).exitCode).toBe(2)

  const first = await create(...args, '--out', out)
  expect(first).toMatchObject({ exitCode: 0 })
  expect(first.stdout.toString()).toBe(`${out}\n`)
  expect(statSync(out).mode & 0o777).toBe(0o600)
  const key = new Secret(readFileSync(out, 'utf8').trim())
  const storeFile = /file: (.*\.sqlite)/.exec(BROKER)?.[1] ?? ''
  const store = await openSqliteStore({ file: join(files.directory, storeFile) })
  expect(await store.keys.findBySha256(secretSha256(key))).toMatchObject({ id: 'admin' })
  await store.close()

  const second = await create(...args)
  expect(second.exitCode).toBe(1)
  expect(second.stdout.toString()).toBe('')
  expect(second.stderr).toContain('there is a key already')
})
