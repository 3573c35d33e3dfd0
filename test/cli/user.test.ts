import { expect, test } from 'vitest'
import { verifyPassword } from '../../src/broker/passwords.ts'
import { register } from '../../src/cli/user.ts'
import { Secret } from '../../src/lib/index.ts'
import { openSqliteStore } from '../../src/store/index.ts'
import { writeFiles } from './run-command.ts'
import { useBroker } from './use-broker.ts'

const broker = useBroker()
const user = (...args: string[]) => broker.run(register, ['user', ...args])

/** Whether this password opens the portal, as the broker's store has it. */
async function fits(password: string): Promise<boolean> {
  const store = await openSqliteStore(broker.files.config.store)
  const ann = await store.users.get('ann@acme.example')
  await store.close()
  if (ann === undefined || ann.disabled) return false
  return verifyPassword(new Secret(password), ann.passwordHash)
}

test('a user is added, gets another password, is disabled and enabled', async () => {
  const { first, second } = writeFiles({ first: 'correct pony\n', second: 'another pony\n' })
  const added = await user(
    ...['add', 'ann@acme.example', '--tenant', 'acme', '--password-file', first],
  )
  expect(added).toMatchObject({ stdout: '', exitCode: 0 })
  expect(added.stderr).toBe('portcullis: user ann@acme.example may sign in\n')
  expect(await fits('correct pony')).toBe(true)
  const changed = await user('passwd', 'ann@acme.example', '--password-file', second)
  expect(changed).toMatchObject({
    exitCode: 0,
    stderr:
      'portcullis: user ann@acme.example has a new password, and whoever was signed in is out\n',
  })
  expect(await fits('correct pony')).toBe(false)
  expect(await fits('another pony')).toBe(true)
  expect((await user('disable', 'ann@acme.example')).stderr).toBe(
    'portcullis: user ann@acme.example may not sign in\n',
  )
  expect(await fits('another pony')).toBe(false)
  expect((await user('list', '--tenant', 'acme')).stdout).toBe(
    'USER              TENANT  ROLES  SIGN-IN\nann@acme.example  acme    -      no\n',
  )
  await user('enable', 'ann@acme.example')
  expect(await fits('another pony')).toBe(true)
  const { stdout } = await user('list', '--json')
  expect(JSON.parse(stdout).items).toContainEqual({
    ...{ id: 'ann@acme.example', tenant: 'acme' },
    ...{ roles: [], disabled: false },
  })
})

test('a user who is removed is gone', async () => {
  const { file } = writeFiles({ file: 'correct pony\n' })
  await user('add', 'bob', '--tenant', 'acme', '--password-file', file)
  expect((await user('remove', 'bob')).stderr).toBe('portcullis: user bob is gone\n')
  expect((await user('remove', 'bob')).exitCode).toBe(1)
})

test("the provider's own are given roles, and other ones", async () => {
  const { file } = writeFiles({ file: 'correct pony\n' })
  const add = ['add', 'eve', '--password-file', file]
  const added = await user(...add, '--role', 'support', '--role', 'viewer')
  expect(added.exitCode, added.stderr).toBe(0)
  const rolesOf = async () => {
    const { stdout } = await user('list', '--json')
    const items: Array<{ id: string; roles: string[] }> = JSON.parse(stdout).items
    return items.find(({ id }) => id === 'eve')?.roles
  }
  expect(await rolesOf()).toEqual(['viewer', 'support'])
  expect((await user('list')).stdout).toMatch(/^eve +- +viewer,support +yes$/m)
  const changed = await user('roles', 'eve', 'operator', 'support')
  expect(changed.stderr).toBe('portcullis: user eve has support, operator\n')
  await user('disable', 'eve')
  expect(await rolesOf()).toEqual(['support', 'operator'])
  const both = await user('roles', 'eve', 'none', 'viewer')
  expect(both).toMatchObject({ exitCode: 2, stderr: 'portcullis: none stands alone\n' })
  expect((await user('roles', 'eve', 'none')).stderr).toBe('portcullis: user eve has no roles\n')
  expect(await rolesOf()).toEqual([])
})

test.each([
  [['add', 'kim', '--role', 'root'], 'roles.0'],
  [['add', 'kim', '--role', 'portal'], 'roles.0'],
  [['add', 'kim', '--role', 'viewer', '--tenant', 'acme'], 'for users without a tenant only'],
])('refuses roles that cannot be: %j', async (args, text) => {
  const { file } = writeFiles({ file: 'correct pony\n' })
  const { stderr, exitCode } = await user(...args, '--password-file', file)
  expect(exitCode).toBe(1)
  expect(stderr).toContain(text)
  expect((await user('roles', 'kim', 'viewer')).stderr).toContain('There is no user "kim"')
})

test('never takes the place of a user who is there', async () => {
  const { file } = writeFiles({ file: 'correct pony\n' })
  const added = await user('add', 'bob', '--password-file', file)
  expect(added.stderr).toBe(
    'portcullis: user bob may sign in\nportcullis: with neither tenant nor roles bob sees nothing: portcullis user roles bob …\n',
  )
  const { stderr, exitCode } = await user('add', 'bob', '--password-file', file)
  expect(exitCode).toBe(1)
  expect(stderr).toContain('There is a user with this id already')
})

test('refuses a short password, naming the field and not the password', async () => {
  const { file } = writeFiles({ file: 'pony\n' })
  const { stderr, exitCode } = await user('add', 'eve', '--password-file', file)
  expect(exitCode).toBe(1)
  expect(stderr).toContain('password: need 8 to 1024 characters')
  expect(stderr).not.toContain('pony')
  expect((await user('passwd', 'none', '--password-file', file)).exitCode).toBe(1)
})
