import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunningBroker } from '../../src/cli/broker.ts'
import { register as registerConsole } from '../../src/cli/console.ts'
import { register } from '../../src/cli/why.ts'
import { runCommand, writeFiles } from './run-command.ts'
import { type BrokerFiles, createBrokerFiles, start } from './running-broker.ts'

let files: BrokerFiles
let broker: RunningBroker
let access: string[]

beforeAll(async () => {
  files = await createBrokerFiles()
  broker = await start(files.config)
  access = [
    ...['--api', `https://127.0.0.1:${broker.address.port}`],
    ...['--key-file', files.keyFile],
    ...['--ca', files.caFile],
  ]
})
afterAll(async () => {
  await broker.close()
  files.remove()
})

test('tells of a console, as text and as JSON', async () => {
  const { directory } = writeFiles({})
  const open = ['console', 'open', 'web', '--out', `${directory}/web.rdp`, '--json', ...access]
  const { ref } = JSON.parse((await runCommand(registerConsole, open)).stdout.toString())
  const { stdout, exitCode } = await runCommand(register, ['why', ref, ...access])
  const lines = stdout.toString().split('\n')
  expect(exitCode).toBe(0)
  expect(lines[0]).toBe(`${ref}: console of web (tenant acme) at 192.0.2.10:3389, for key:test`)
  expect(lines[1]).toMatch(/^waiting: No node has seen this file yet/)
  expect(lines[3]).toMatch(/^\d{4}-.*Z {2}broker {2}File handed out for web on host hv1/)
  const json = await runCommand(register, ['why', ref, '--json', ...access])
  expect(JSON.parse(json.stdout.toString())).toMatchObject({ ref, state: 'waiting', open: 0 })
})

test('tells why a request was refused, with cause and fix', async () => {
  const open = ['console', 'open', 'none', ...access]
  const refused = (await runCommand(registerConsole, open)).stderr
  const ref = /reference (\S{9})\)/.exec(refused)?.[1] ?? ''
  const { stdout } = await runCommand(register, ['why', ref, ...access])
  expect(stdout.toString()).toMatch(/^refused, vm-unknown: .*\n\nLikely cause: .*\nWhat to do: +`/m)
})

test('a reference that nobody knows is refused', async () => {
  const { stderr, exitCode } = await runCommand(register, ['why', '0000-0000', ...access])
  expect(exitCode).toBe(1)
  expect(stderr).toContain('not-found: Nothing is known of 0000-0000')
})
