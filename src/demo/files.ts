import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { BrokerError, errorText, makeDirectory } from '../lib/index.ts'

/** Makes a directory that only its owner can open; `purpose` and the way out are said when that fails. */
export function makePrivateDirectory(path: string, purpose: string, advice: string): void {
  try {
    makeDirectory(path, 0o700)
  } catch (error) {
    throw new BrokerError(
      'ERR_START',
      `${purpose} ${path} cannot be made: ${errorText(error)}; ${advice}`,
      { cause: error },
    )
  }
}

/** Writes a file for its owner alone, whole or not at all: readers never see a half. */
export function writePrivateFile(path: string, content: string): void {
  const fresh = `${path}.${process.pid}.new`
  writeFileSync(fresh, content, { mode: 0o600 })
  renameSync(fresh, path)
}

/** A file's text, or undefined when there is no such file. */
export function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new BrokerError('ERR_START', `${path}: ${errorText(error)}`, { cause: error })
  }
}
