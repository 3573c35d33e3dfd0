import { expect, test, vi } from 'vitest'
import { createProgram, run } from '../../src/cli/index.ts'
import { softwareVersion } from '../../src/cli/version.ts'

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

test('says its version, and that this is no error', async () => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const before = process.exitCode
  try {
    await run(['--version'])
    expect(write.mock.calls).toEqual([[`${softwareVersion()}\n`]])
    expect(process.exitCode).toBe(0)
  } finally {
    process.exitCode = before
    write.mockRestore()
  }
})
