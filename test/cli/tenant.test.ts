import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunningBroker } from '../../src/cli/broker.ts'
import { register } from '../../src/cli/tenant.ts'
import { runCommand } from './run-command.ts'
import { apiAccess, type BrokerFiles, createBrokerFiles, start } from './running-broker.ts'

let files: BrokerFiles
let broker: RunningBroker

beforeAll(async () => {
  files = await createBrokerFiles()
  broker = await start(files.config)
})
afterAll(async () => {
  await broker.close()
  files.remove()
})

const tenant = async (...args: string[]) => {
  const access = apiAccess(files, broker)
  const { stdout, ...rest } = await runCommand(register, ['tenant', ...args, ...access])
  return { stdout: stdout.toString(), ...rest }
}

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
