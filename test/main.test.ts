import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
  expect(await withDeadline(once(child, 'exit'), 25_000, 'exit')).toEqual([null, 'SIGTERM'])
})

/**
 * Sets up a clone in which these packages are installed.
 *
 * @returns what npm was called with
 */
function setUp(installed: Record<string, { dev?: boolean }>, { linked = false } = {}): string[] {
  const clone = mkdtempSync(join(tmpdir(), 'portcullis-set-up-'))
  const write = (name: string, text: string) => writeFileSync(join(clone, name), text)
  mkdirSync(join(clone, linked ? 'elsewhere' : 'node_modules'))
  if (linked) symlinkSync('elsewhere', join(clone, 'node_modules'))
  cpSync(ENTRY, join(clone, 'src/main.mjs'))
  write('package-lock.json', '{}')
  write('node_modules/.package-lock.json', JSON.stringify({ packages: installed }))
  write('npm.cjs', "require('node:fs').writeFileSync('npm.json', JSON.stringify(process.argv))")
  try {
    const env = { ...process.env, npm_execpath: join(clone, 'npm.cjs') }
    execFileSync(process.execPath, ['src/main.mjs', '--set-up'], { cwd: clone, env, stdio: 'pipe' })
    return JSON.parse(readFileSync(join(clone, 'npm.json'), 'utf8')).slice(2)
  } finally {
    rmSync(clone, { recursive: true })
  }
}

test('installs what running needs, and keeps what development needs where that is there', () => {
  const koa = { 'node_modules/koa': {} }
  expect(setUp(koa)).toContain('--omit=dev')
  expect(setUp({ ...koa, 'node_modules/vitest': { dev: true } })).not.toContain('--omit=dev')
})

test('installs nothing through a link, which would empty what others run from', () => {
  expect(() => setUp({}, { linked: true })).toThrow(/portcullis: node_modules is a link: /)
})
