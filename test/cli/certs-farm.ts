import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { register } from '../../src/cli/certs.ts'
import { type Outcome, runCommand } from './run-command.ts'

/** A directory to make files in, gone when the test is. */
export function workDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-certs-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  return directory
}

/** `portcullis certs …` */
export function certs(...args: string[]): Promise<Outcome> {
  return runCommand(register, ['certs', ...args])
}

/** A farm with two nodes, as `certs init` makes it. */
export async function makeFarm(...more: string[]): Promise<string> {
  const directory = join(workDirectory(), 'farm')
  const names = ['--name', 'gateway.example', '--broker', 'broker.example']
  const nodes = ['--node', 'gw1.example', '--node', 'gw2.example']
  const { exitCode, stderr } = await certs(
    'init',
    directory,
    '--farm',
    'example',
    ...names,
    ...nodes,
    ...more,
  )
  if (exitCode !== 0) throw new Error(stderr)
  return directory
}

/** A file with a password, as `--password-file` takes it. */
export function passwordFile(text = 'correct horse'): string {
  const path = join(workDirectory(), 'password')
  writeFileSync(path, `${text}\n`)
  return path
}

export function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()
}
