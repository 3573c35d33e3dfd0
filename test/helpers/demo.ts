import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { ReadyFile } from '../../src/demo/index.ts'
import { eventually } from './eventually.ts'
import { freePort } from './ports.ts'
import { type RunningProgram, START_MS, startProgram } from './programs.ts'

/** The entry point of every command. */
export const ENTRY = resolve(import.meta.dirname, '../../src/main.mjs')

/** `npm start` as a test runs it: own data directory, own ports. */
export interface DemoRun {
  program: RunningProgram
  dataDirectory: string
  readyFile: string
  ready: ReadyFile
  /** The log of one role, such as `gw1`, line by line. */
  log(role: string): Promise<Array<Record<string, unknown>>>
  /** Ends it and removes its data directory. */
  stop(): Promise<void>
}

export async function startDemoRun(args: string[] = []): Promise<DemoRun> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'portcullis-demo-'))
  const ports = await freePort(3)
  const program = startProgram(process.execPath, [
    ENTRY,
    'demo',
    ...['--data-dir', dataDirectory],
    ...['--portal-port', String(ports)],
    ...['--gateway-port', String(ports + 1)],
    ...args,
  ])
  const readyFile = join(dataDirectory, 'demo.json')
  const stop = async (): Promise<void> => {
    await program.stop()
    // A part that was killed late may still write.
    await rm(dataDirectory, { recursive: true, force: true, maxRetries: 10 })
  }
  try {
    const ready = await untilReadyFile(readyFile, program)
    return { program, dataDirectory, readyFile, ready, log: logOf(dataDirectory), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The content of the ready file as soon as it is there. */
export async function untilReadyFile(path: string, program: RunningProgram): Promise<ReadyFile> {
  const text = await eventually('ready file', () => readFile(path, 'utf8'), {
    ...{ timeoutMs: START_MS, context: program.output },
  })
  return JSON.parse(text) as ReadyFile // written by our own process
}

/** One line of JSON an event; one that is still being written is not there yet. */
export function logOf(dataDirectory: string): DemoRun['log'] {
  return async (role) => {
    const text = await readFile(join(dataDirectory, 'log', `${role}.log`), 'utf8')
    return text
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
  }
}
