import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type TestFunction, test } from 'vitest'

/** Debian keeps haproxy and keepalived where a user's PATH does not look. */
const SYSTEM_DIRECTORIES = ['/usr/sbin', '/usr/local/sbin', '/sbin']
/** FreeRDP 3 comes from backports: the one program that may be absent even where `CI` is set. */
const MAY_BE_ABSENT = ['xfreerdp3', 'freerdp-shadow-cli3']
const STOP_GRACE_MS = 15_000
/** How long a program may take to be there. Nothing is measured by it: the machine may be busy. */
export const START_MS = 60_000
/** What is kept of a program's output: its end. */
const MAX_OUTPUT_CHARACTERS = 1_000_000

/** A program that a test started. Whoever started it stops it. */
export interface RunningProgram {
  readonly pid: number
  readonly child: ChildProcess
  /** Standard output and error so far, in the order they came. */
  output(): string
  /** Resolves when the program has ended; a signal's end gives its name. Never rejects. */
  readonly ended: Promise<number | NodeJS.Signals>
  /** SIGTERM by pid, SIGKILL after 15 s; resolves when it is gone, at once when it already was. */
  stop(): Promise<void>
}

export interface StartOptions {
  /** Added to the test's own environment. */
  env?: Record<string, string>
  cwd?: string
  /** Bytes for standard input; /dev/null when absent, so that nothing can prompt. */
  input?: string | Uint8Array
  /** Standard input is a pipe that the test writes to by `child.stdin`. */
  keepInputOpen?: boolean
  /** Further descriptors to read from, from 3 on: `['pipe']` gives `child.stdio[3]`. */
  extraStdio?: 'pipe'[]
  /** Numeric user id to run as; needs root. */
  uid?: number
}

/** Full path of an installed program, or undefined. */
export function findProgram(name: string): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_DIRECTORIES]
  return directories.map((directory) => join(directory, name)).find(isExecutable)
}

/**
 * A vitest test that needs programs: skipped by name where one is missing, failed instead where `CI`
 * is set (FreeRDP 3 is skipped even there).
 */
export function testWithPrograms(
  programs: string[],
  name: string,
  body: TestFunction<object>,
  timeoutMs?: number,
): void {
  const missing = programs.filter((program) => findProgram(program) === undefined)
  if (missing.length === 0) {
    test(name, body, timeoutMs)
    return
  }
  const text = `${name} (not installed: ${missing.join(', ')})`
  const mustFail =
    process.env.CI !== undefined && missing.some((program) => !MAY_BE_ABSENT.includes(program))
  if (mustFail) {
    test(text, () => {
      throw new Error(`missing programs: ${missing.join(', ')}`)
    })
  } else {
    test.skip(text, () => {})
  }
}

/** @throws Error when the program is not installed */
export function startProgram(
  name: string,
  args: string[],
  { env = {}, cwd, input, keepInputOpen = false, extraStdio = [], uid }: StartOptions = {},
): RunningProgram {
  const path = name.includes('/') ? name : findProgram(name)
  if (path === undefined) throw new Error(`${name} is not installed`)
  const child = spawn(path, args, {
    env: { ...process.env, ...env },
    stdio: [
      input === undefined && !keepInputOpen ? 'ignore' : 'pipe',
      'pipe',
      'pipe',
      ...extraStdio,
    ],
    ...(cwd === undefined ? {} : { cwd }),
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    // A pipe may cut a character in two.
    const decoder = new TextDecoder()
    stream?.on('data', (chunk: Buffer) => {
      output = (output + decoder.decode(chunk, { stream: true })).slice(-MAX_OUTPUT_CHARACTERS)
    })
  }
  // A program that ended before it read its input is judged by its end, not by EPIPE.
  child.stdin?.on('error', () => {})
  if (!keepInputOpen) child.stdin?.end(input)

  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('error', (error) => {
      output += `cannot start ${name}: ${error.message}\n`
      resolve(-1)
    })
    child.once('close', (code, signal) => resolve(code ?? signal ?? -1))
  })
  return {
    pid: child.pid ?? -1,
    child,
    output: () => output,
    ended,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      const hard = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS)
      await ended
      clearTimeout(hard)
    },
  }
}

/** Calls `onLine` for each line of a program's standard output once it is whole, however it comes. */
export function followLines({ child }: RunningProgram, onLine: (line: string) => void): void {
  const decoder = new TextDecoder()
  let rest = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
  })
}

/** What it has logged so far, a line that has not come whole left out. */
export function loggedBy(program: RunningProgram): Array<Record<string, unknown>> {
  return program
    .output()
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
}

/** Runs a program to its end. @throws Error with its output when it fails or takes longer than `timeoutMs` */
export async function runProgram(
  name: string,
  args: string[],
  { timeoutMs = START_MS, ...options }: StartOptions & { timeoutMs?: number } = {},
): Promise<string> {
  const program = startProgram(name, args, options)
  const late = setTimeout(() => void program.stop(), timeoutMs)
  const code = await program.ended
  clearTimeout(late)
  if (code !== 0) throw new Error(`${name} ended with ${code}:\n${program.output()}`)
  return program.output()
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
