import { accessSync, constants, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { BrokerError, fileProblem } from '../lib/index.ts'

/**
 * Whether a file can be written later, by a command whose work takes its time. It is not created yet.
 *
 * @param option which option named the file, for the error: `--report`
 * @throws BrokerError `ERR_USAGE`
 */
export function checkOutputFile(path: string, option: string): void {
  explained(path, option, () => {
    const there = statSync(path, { throwIfNoEntry: false })
    if (there?.isDirectory()) throw Object.assign(new Error(path), { code: 'EISDIR' })
    accessSync(there === undefined ? dirname(path) : path, constants.W_OK)
  })
}

/** As {@link checkOutputFile}; what was there is overwritten. */
export function writeOutputFile(path: string, text: string, option: string): void {
  explained(path, option, () => writeFileSync(path, text))
}

function explained(path: string, option: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    throw new BrokerError('ERR_USAGE', `${option} ${path}: ${fileProblem(error)}`, { cause: error })
  }
}
