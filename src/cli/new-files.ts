import { linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { BrokerError, fileProblem, makeDirectory } from '../lib/index.ts'

export interface NewFile {
  path: string
  content: string | Uint8Array
  /** For its owner alone (0600); others may read it when absent (0644). */
  secret?: boolean
}

/**
 * Writes files that must not exist yet, all of them or none: a certificate never lies there without
 * its key, and nobody's key is ever overwritten.
 *
 * @throws BrokerError `ERR_USAGE` naming the file that is there already, or can't be written
 */
export function writeNewFiles(files: NewFile[]): void {
  const placed: string[] = []
  const written: string[] = []
  let current = ''
  try {
    for (const { path, content, secret } of files) {
      current = path
      const temporary = partOf(path)
      written.push(temporary)
      writeFileSync(temporary, content, { mode: secret ? 0o600 : 0o644, flag: 'wx', flush: true })
    }
    for (const { path } of files) {
      current = path
      // Unlike a rename, a link fails when the name is taken.
      linkSync(partOf(path), path)
      placed.push(path)
    }
  } catch (error) {
    for (const path of placed) rmSync(path, { force: true })
    throw unwritten(current, error)
  } finally {
    for (const path of written) rmSync(path, { force: true })
  }
}

/**
 * A new directory with files in it, private to its owner; it appears when it is complete.
 *
 * @param files by path inside the directory
 * @throws BrokerError `ERR_USAGE` when there is something of that name that is no empty directory
 */
export function writeNewDirectory(directory: string, files: NewFile[]): void {
  const target = resolve(directory)
  const temporary = partOf(target)
  try {
    makeDirectory(dirname(target))
    mkdirSync(temporary, { mode: 0o700 })
    for (const { path, content, secret } of files) {
      const inside = join(temporary, path)
      makeDirectory(dirname(inside), 0o700)
      writeFileSync(inside, content, { mode: secret ? 0o600 : 0o644, flag: 'wx', flush: true })
    }
    // Takes the place of an empty directory, and of nothing else.
    renameSync(temporary, target)
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true })
    throw unwritten(directory, error)
  }
}

function partOf(path: string): string {
  return `${path}.${process.pid}.part`
}

function unwritten(path: string, error: unknown): BrokerError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const taken = code === 'EEXIST' || code === 'ENOTEMPTY' || code === 'ENOTDIR'
  const message = taken
    ? 'is there already and stays as it is; choose another name'
    : fileProblem(error)
  return new BrokerError('ERR_USAGE', `${path}: ${message}`, { cause: error })
}
