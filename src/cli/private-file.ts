import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { BrokerError, fileProblem } from '../lib/index.ts'

/**
 * Writes a file that holds a token, for its owner alone. By rename, so that a file of that name that
 * others can read never holds it.
 *
 * @param option which option named the file, for the error: `--out`
 * @throws BrokerError `ERR_USAGE`
 */
export function writePrivately(file: string, bytes: Uint8Array, option: string): void {
  const temporary = `${file}.${process.pid}.part`
  try {
    writeFileSync(temporary, bytes, { mode: 0o600, flag: 'wx' })
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw new BrokerError('ERR_USAGE', `${option} ${file}: ${fileProblem(error)}`, { cause: error })
  }
}
