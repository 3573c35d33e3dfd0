import { expect, test } from 'vitest'
import { createProgram } from '../../src/cli/index.ts'

test('a command that is asked for comes alone, and is the one that was asked for', async () => {
  const names = (await createProgram()).commands.map((command) => command.name())
  expect(names).toContain('broker')
  for (const name of names) {
    const { commands } = await createProgram(name)
    expect(commands.map((command) => command.name())).toEqual([name])
  }
})

test('an unknown noun, though objects know it, brings them all for the help', async () => {
  const all = (await createProgram()).commands.length
  for (const noun of ['sesion', '--help', 'constructor', '']) {
    expect((await createProgram(noun)).commands).toHaveLength(all)
  }
})
