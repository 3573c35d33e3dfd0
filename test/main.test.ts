import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { withDeadline } from '../src/lib/index.ts'
import { ENTRY } from './helpers/demo.ts'

/** Runs before the entry point, and holds it back until the parent's end of the channel is closed. */
const UNTIL_DISCONNECTED = `data:text/javascript,
  await new Promise((resolve) => process.once('disconnect', resolve))`

let child: ChildProcess | undefined
afterEach(() => child?.kill('SIGKILL'))

/** A command that waits for its standard input, as long as that stays open. */
function start(...nodeOptions: string[]): ChildProcess {
  const args = [...nodeOptions, ENTRY, 'token', 'inspect']
  return spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'ignore', 'ipc'] })
}

test.each([
  ['while it starts', ['--import', UNTIL_DISCONNECTED]],
  ['before it has read a line', []],
])('ends when its parent does, %s', async (_, nodeOptions) => {
  child = start(...nodeOptions)
  child.disconnect()
  expect(await withDeadline(once(child, 'exit'), 4_500, 'exit')).toEqual([null, 'SIGTERM'])
})
