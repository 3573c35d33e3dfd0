import { type ChildProcess, spawn } from 'node:child_process'
import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BrokerError, withDeadline } from '../lib/index.ts'

/** One part of the demo, running as a process of its own. */
export interface Role {
  name: string
  pid: number
  logFile: string
  /** Resolves when the process has ended, whatever the cause. */
  ended: Promise<string>
  /** The first message the process sends over its IPC channel. */
  firstMessage: Promise<unknown>
  /** TERM, then KILL after `graceMs`; resolves when it has ended. */
  stop(graceMs: number): Promise<void>
}

/** Starts a role of the demo; what follows the name is its command line. */
export type StartRole = (name: string, args: string[]) => Role

export interface RoleOptions {
  name: string
  /** Command line after the entry point: `['gateway', '--config', …]`. */
  args: string[]
  /** `src/main.mjs`, or its compiled form. */
  entry: string
  logDirectory: string
}

/** From the start of a process to its first answer. */
export const START_WITHIN_MS = 20_000

/** What a role's environment carries on: enough to run, nothing of the caller's secrets. */
const ENVIRONMENT = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ', 'NODE_OPTIONS', 'NODE_V8_COVERAGE']

/**
 * Starts a role. It ends with this process, however that dies, since its IPC channel then
 * disconnects; its output goes to `<name>.log`.
 */
export function startRole({ name, args, entry, logDirectory }: RoleOptions): Role {
  const logFile = join(logDirectory, `${name}.log`)
  const log = openSync(logFile, 'a', 0o600)
  const child = spawn(process.execPath, [entry, ...args], {
    stdio: ['ignore', log, log, 'ipc'],
    env: Object.fromEntries(
      ENVIRONMENT.flatMap((key) => {
        const value = process.env[key]
        return value === undefined ? [] : [[key, value]]
      }),
    ),
    // A terminal's Ctrl-C reaches the whole process group: the roles are stopped in order instead.
    detached: true,
  })
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`it could not be started: ${error.message}`))
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`),
    )
  })
  return {
    name,
    pid: child.pid ?? 0,
    logFile,
    ended,
    firstMessage: new Promise((resolve) => child.once('message', resolve)),
    stop: (graceMs) => stop(child, ended, graceMs),
  }
}

/**
 * Waits for something while the role lives.
 *
 * @throws BrokerError `ERR_START` with the end of the role's log when it ends first or time runs out
 */
export async function whileRunning<T>(role: Role, work: Promise<T>, timeoutMs: number): Promise<T> {
  const death = role.ended.then((how) => {
    throw new BrokerError('ERR_START', `${role.name} did not start: ${how}\n${lastWords(role)}`)
  })
  // The race may be over before the role ends: that end is no error of this wait.
  death.catch(() => {})
  try {
    return await withDeadline(Promise.race([work, death]), timeoutMs, `start of ${role.name}`)
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'ERR_DEADLINE') {
      throw new BrokerError('ERR_START', `${error.message}\n${lastWords(role)}`, { cause: error })
    }
    throw error
  }
}

/** The end of a role's log, where the reason of its death stands. */
export function lastWords({ logFile }: Role): string {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-5)
  return [`The end of ${logFile}:`, ...lines.map((line) => `  ${line}`)].join('\n')
}

async function stop(child: ChildProcess, ended: Promise<string>, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  await ended
  clearTimeout(timer)
}
