import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { BrokerError, fileProblem } from '../lib/index.ts'

export interface Tail {
  close(): void
}

const LOOK_EVERY_MS = 100
const READ_BYTES = 256 * 1024
/** No line of ours is a tenth of it. */
const MAX_LINE_CHARACTERS = 64 * 1024

/**
 * The lines that a growing file gets from now on, or those of standard input for `-`. A file that is replaced or
 * cut, as at a rotation, is read from its beginning.
 *
 * @param what names the option in the error
 * @throws BrokerError `ERR_USAGE` when it can't be opened
 */
export function tailLines(path: string, what: string, onLine: (line: string) => void): Tail {
  return path === '-' ? tailInput(onLine) : tailFile(path, what, onLine)
}

function tailInput(onLine: (line: string) => void): Tail {
  const lines = createInterface({ input: process.stdin })
  lines.on('line', onLine)
  return {
    close() {
      lines.close()
      process.stdin.destroy()
    },
  }
}

function tailFile(path: string, what: string, onLine: (line: string) => void): Tail {
  let file = open(path, what)
  let offset = fstatSync(file).size
  let rest = ''
  const buffer = Buffer.alloc(READ_BYTES)
  const takeAll = (): void => {
    for (;;) {
      const length = readSync(file, buffer, 0, buffer.length, offset)
      if (length === 0) return
      offset += length
      // Our lines are ASCII but for names: a character cut in two costs that line at most.
      const lines = (rest + buffer.toString('utf8', 0, length)).split('\n')
      rest = (lines.pop() ?? '').slice(0, MAX_LINE_CHARACTERS)
      for (const line of lines) onLine(line)
    }
  }
  const look = (): void => {
    takeAll()
    const there = statSync(path, { throwIfNoEntry: false })
    if (there === undefined) return
    if (there.ino === fstatSync(file).ino && there.size >= offset) return
    closeSync(file)
    file = open(path, what)
    offset = 0
    rest = ''
  }
  const timer = setInterval(look, LOOK_EVERY_MS)
  return {
    close() {
      clearInterval(timer)
      closeSync(file)
    },
  }
}

function open(path: string, what: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    throw new BrokerError('ERR_USAGE', `${what} ${path}: ${fileProblem(error)}`, { cause: error })
  }
}
