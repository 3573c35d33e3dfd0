import { expect, test } from 'vitest'
import { register as registerConsole } from '../../src/cli/console.ts'
import { register } from '../../src/cli/why.ts'
import { writeFiles } from './run-command.ts'
import { useBroker } from './use-broker.ts'

const broker = useBroker()

test('tells of a console, as text and as JSON', async () => {
  const { directory } = writeFiles({})
  const open = ['console', 'open', 'web', '--out', `${directory}/web.rdp`, '--json']
  const { ref } = JSON.parse((await broker.run(registerConsole, open)).stdout)
  const { stdout, exitCode } = await broker.run(register, ['why', ref])
  const lines = stdout.split('\n')
  expect(exitCode).toBe(0)
  expect(lines[0]).toBe(`${ref}: console of web (tenant acme) at 192.0.2.10:3389, for key:test`)
  expect(lines[1]).toMatch(/^waiting: No node has seen this file yet/)
  expect(lines[3]).toMatch(/^\d{4}-.*Z {2}broker {2}File made for web on host hv1/)
  expect(await broker.run(register, ['why', `Downloads/Web-1-${ref} (1).rdp`])).toMatchObject({
    stdout,
  })
  const json = await broker.run(register, ['why', ref, '--json'])
  expect(JSON.parse(json.stdout)).toMatchObject({ ref, state: 'waiting', open: 0 })
})

test('tells why a request was refused, with cause and fix', async () => {
  const refused = (await broker.run(registerConsole, ['console', 'open', 'none'])).stderr
  const ref = /reference (\S{9})\)/.exec(refused)?.[1] ?? ''
  const { stdout } = await broker.run(register, ['why', ref])
  expect(stdout).toMatch(/^refused, vm-unknown: .*\n\nLikely cause: .*\nWhat to do: +`/m)
})

test('a reference that nobody knows is refused', async () => {
  const { stderr, exitCode } = await broker.run(register, ['why', '0000-0000'])
  expect(exitCode).toBe(1)
  expect(stderr).toContain('not-found: Nothing is known of 0000-0000, or no longer: ')
  expect(stderr).not.toContain('7K3M-Q2XD')
  const { stderr: misread } = await broker.run(register, ['why', '7K3M'])
  expect(misread).toContain('not-found: Nothing is known of 7K3M: a reference reads like 7K3M-Q2XD')
})
