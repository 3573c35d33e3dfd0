import { expect, test } from 'vitest'
import { register } from '../../src/cli/tenant.ts'
import { useBroker } from './use-broker.ts'

const broker = useBroker()
const tenant = (...args: string[]) => broker.run(register, ['tenant', ...args])

test('adds tenants and lists them', async () => {
  expect(await tenant('add', 'globex', '--name', 'Globex Ltd')).toEqual({
    stdout: '',
    stderr: 'portcullis: tenant globex is there\n',
    exitCode: 0,
  })
  expect((await tenant('list')).stdout).toBe('TENANT  NAME\nacme    Acme\nglobex  Globex Ltd\n')
  const { stdout } = await tenant('list', '--json')
  expect(JSON.parse(stdout).items).toHaveLength(2)
})

test('never renames a tenant that is there', async () => {
  const { stderr, exitCode } = await tenant('add', 'acme', '--name', 'Other')
  expect(exitCode).toBe(1)
  expect(stderr).toContain('There is a tenant with this id already')
  expect((await tenant('list')).stdout).toContain('Acme')
})

test('removes a tenant without machines and users; else says where to look for them', async () => {
  await tenant('add', 'initech', '--name', 'Initech')
  expect(await tenant('remove', 'initech')).toEqual({
    stdout: '',
    stderr: 'portcullis: tenant initech is gone\n',
    exitCode: 0,
  })
  const again = await tenant('remove', 'initech')
  expect(again.exitCode).toBe(1)
  expect(again.stderr).toMatch(/^portcullis: not-found: /)
  const held = await tenant('remove', 'acme')
  expect(held.exitCode).toBe(1)
  expect(held.stderr).toMatch(
    /^portcullis: conflict: The tenant still has machines or users\..*; see vm list --tenant acme and user list --tenant acme\n$/,
  )
})
