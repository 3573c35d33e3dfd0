import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runProgram } from '../helpers/programs.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const SLOW = { timeoutMs: 100_000 }

let scratch: string

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'portcullis-package-'))
})

afterAll(async () => {
  await rm(scratch, { recursive: true, force: true })
})

test('the package, built, packed and installed, runs its roles', { timeout: 400_000 }, async () => {
  await runProgram('npm', ['run', 'build'], { cwd: ROOT, ...SLOW })
  await runProgram('npm', ['pack', '--pack-destination', scratch], { cwd: ROOT, ...SLOW })
  const tarball = (await readdir(scratch)).find((name) => name.endsWith('.tgz')) ?? ''
  await writeFile(join(scratch, 'package.json'), '{"private":true}')
  const options = ['--omit=dev', '--omit=optional', '--no-audit', '--no-fund', '--prefer-offline']
  await runProgram('npm', ['install', ...options, `./${tarball}`], { cwd: scratch, ...SLOW })

  const command = join(scratch, 'node_modules', '.bin', 'portcullis')
  const run = (...args: string[]): Promise<string> => runProgram(command, args, { cwd: scratch })
  const help = await run('--help')
  for (const role of ['broker', 'gateway', 'demo']) expect(help).toContain(role)
  expect(`portcullis-${(await run('--version')).trim()}.tgz`).toBe(tarball)
  expect(await run('farm', 'render', '--config', join(ROOT, 'deploy', 'farm.yaml'))).toContain(
    'bind 192.0.2.10:443',
  )
  const uses = "import { openConsole } from 'portcullis/client'; console.log(typeof openConsole)"
  const args = ['--input-type=module', '-e', uses]
  expect(await runProgram(process.execPath, args, { cwd: scratch })).toBe('function\n')
  // Compiled or not, a wrong file is the operator's error in one sentence.
  await expect(run('gateway', '--config', join(scratch, 'absent.yaml'))).rejects.toThrow(
    /portcullis: .*absent\.yaml/,
  )
})
