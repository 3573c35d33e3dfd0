import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { expect, test } from 'vitest'
import { secretSha256 } from '../../src/broker/api-keys.ts'
import { register } from '../../src/cli/key.ts'
import { register as registerTenant } from '../../src/cli/tenant.ts'
import { Secret } from '../../src/lib/index.ts'
import { openSqliteStore } from '../../src/store/index.ts'
import { BROKER } from '../config/files.ts'
import { runCommand, writeFiles } from './run-command.ts'
import { useBroker } from './use-broker.ts'

const broker = useBroker()

const create = (...args: string[]) => runCommand(register, ['key', 'create', ...args])

const key = async (verb: string, ...args: string[]) => {
  const { stdout, ...rest } = await runCommand(register, [
    // The last of two --key-file counts.
    ...['key', verb, ...broker.access, ...args],
  ])
  return { stdout: stdout.toString(), ...rest }
}

test('makes the first key, which the store then knows, and no second', async () => {
  const files = writeFiles({ 'broker.yaml': BROKER })
  const args = ['--bootstrap', '--config', files['broker.yaml']]
  const out = join(files.directory, 'admin.key')
  expect((await create(...args, '--id', 'UPPER', '--out', out)).exitCode).toBe(2)
  expect((await create(...args, '--role', 'viewer')).exitCode).toBe(2)
  expect(existsSync(out)).toBe(false)
  expect((await create('--bootstrap')).stderr).toContain('--config: needed')

  const first = await create(...args, '--out', out)
  expect(first).toMatchObject({ exitCode: 0 })
  expect(first.stdout.toString()).toBe(`${out}\n`)
  expect(statSync(out).mode & 0o777).toBe(0o600)
  const key = new Secret(readFileSync(out, 'utf8').trim())
  const storeFile = /file: (.*\.sqlite)/.exec(BROKER)?.[1] ?? ''
  const store = await openSqliteStore({ file: join(files.directory, storeFile) })
  expect(await store.keys.findBySha256(secretSha256(key))).toMatchObject({
    id: 'admin',
    roles: ['support', 'operator', 'trust-admin'],
  })
  await store.close()

  const second = await create(...args)
  expect(second.exitCode).toBe(1)
  expect(second.stdout.toString()).toBe('')
  expect(second.stderr).toContain('there is a key already')
})

test('makes a key, shows its text once, lists it, and revokes it', async () => {
  const { directory } = writeFiles({})
  const out = join(directory, 'desk.key')
  const made = await key(
    ...['create', '--id', 'desk', '--label', 'Help desk', '--role', 'viewer'],
    ...['--role', 'support', '--days', '90', '--out', out],
  )
  expect(made, made.stderr).toMatchObject({ exitCode: 0, stdout: `${out}\n` })
  expect(statSync(out).mode & 0o777).toBe(0o600)
  expect(readFileSync(out, 'utf8')).toMatch(/^pck_desk_[\w-]{43}\n$/)

  const [, row] = (await key('list')).stdout.split('\n')
  expect(row).toMatch(
    /^desk +Help desk +viewer,support +- +valid +\d{4}-\d\d-\d\dT[\d:.]+Z +never$/,
  )
  const { items } = JSON.parse((await key('list', '--json')).stdout)
  const desk = items.find(({ id }: { id: string }) => id === 'desk')
  expect(desk).toMatchObject({ id: 'desk', roles: ['viewer', 'support'] })
  const days = (Date.parse(desk.expiresAt) - Date.parse(desk.createdAt)) / 86_400_000
  expect(days).toBeCloseTo(90, 2)

  // It may read keys, not revoke them.
  const withIt = ['--key-file', out]
  expect((await key('list', ...withIt)).exitCode).toBe(0)
  expect((await key('revoke', 'desk', ...withIt)).stderr).toContain('forbidden: ')
  expect(await key('revoke', 'desk')).toMatchObject({ exitCode: 0, stdout: '' })
  const refused = await key('list', ...withIt)
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' })
  expect(refused.stderr).toContain('unauthorized')
  expect((await key('list')).stdout).toMatch(/^desk .* revoked /m)
  expect((await key('revoke', 'nobody')).exitCode).toBe(1)
})

test('a file that is there already stays as it is, and no key is made', async () => {
  const { file } = writeFiles({ file: 'somebody else’s key\n' })
  const args = ['--id', 'late', '--role', 'viewer', '--out', file]
  expect(await key('create', ...args)).toEqual({
    ...{ exitCode: 2, stdout: '' },
    stderr: `portcullis: ${file}: is there already and stays as it is; choose another name\n`,
  })
  expect(readFileSync(file, 'utf8')).toBe('somebody else’s key\n')
  expect((await key('list')).stdout).not.toContain('late')
})

test('binds the key of a portal to tenants', async () => {
  const tenant = ['tenant', 'add', 'shop', '--name', 'Shop']
  await runCommand(registerTenant, [...tenant, ...broker.access])
  const made = await key('create', '--id', 'shop', '--role', 'portal', '--tenant', 'shop')
  expect(made.stdout, made.stderr).toMatch(/^pck_shop_[\w-]{43}\n$/)
  expect((await key('list')).stdout).toMatch(/^shop +- +portal +shop +valid +never +never$/m)
  const unbound = await key('create', '--id', 'other', '--role', 'portal')
  expect(unbound).toMatchObject({ exitCode: 1, stdout: '' })
  expect(unbound.stderr).toContain('tenants: needed with the role portal')
})

test.each([
  ['--id', ['--role', 'viewer']],
  ['--role', ['--id', 'other']],
])('needs %s', async (option, args) => {
  const { exitCode, stderr } = await key('create', ...args)
  expect(exitCode).toBe(2)
  expect(stderr).toContain(`${option}: need`)
})

test('an option that may be repeated shows no empty list as its default', () => {
  const program = new Command()
  register(program)
  const help = program.commands[0]?.commands[0]?.helpInformation()
  expect(help).toContain('--role <name>')
  expect(help).not.toContain('default: []')
})
