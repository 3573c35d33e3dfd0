import { statSync } from 'node:fs'
import { type Finding, lintFile } from '../certs/index.ts'

/**
 * Who can get at the file of a certificate or a key, and should not: one rule for every command that looks.
 *
 * @returns undefined when there is no such file
 */
export function lintAccess(path: string, holdsKey: boolean): Finding[] | undefined {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return undefined
  const { mode, uid } = stats
  return lintFile({ path, mode, uid }, { holdsKey, uid: process.getuid?.() ?? 0 })
}
