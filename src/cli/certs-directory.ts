import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Certificate, controlIdentityOf, type LintRole } from '../certs/index.ts'
import { BrokerError, fileProblem } from '../lib/index.ts'

const ENDINGS = /\.(crt|cer|pem|der)$/i
/** More are no directory of certificates. */
const MAX_FILES = 1000

/** Certificate files below a directory, sorted; a file is its own list. @throws BrokerError `ERR_USAGE` */
export function certificateFiles(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    return readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => ENDINGS.test(name))
      .slice(0, MAX_FILES)
      .sort()
      .map((name) => join(path, name))
  } catch (error) {
    throw new BrokerError('ERR_USAGE', `${path}: ${fileProblem(error)}`, { cause: error })
  }
}

/** What a file of `certs init` is for, by its name; undefined for names that say nothing. */
export function roleByName(
  path: string,
  certificate: Certificate | undefined,
): LintRole | undefined {
  const name = basename(path).replace(ENDINGS, '')
  if (/^(control-)?ca$/.test(name)) return 'ca'
  const role = (['issuer', 'publisher', 'tls'] as const).find((known) => name.startsWith(known))
  if (role !== undefined) return role
  if (!name.startsWith('control')) return undefined
  const identity = certificate === undefined ? undefined : controlIdentityOf(certificate)
  return identity?.role ?? (basename(dirname(path)) === 'broker' ? 'broker' : 'node')
}

/** `gw1` for a file in `nodes/gw1`. */
export function nodeOf(path: string): string | undefined {
  const directory = dirname(path)
  return basename(dirname(directory)) === 'nodes' ? basename(directory) : undefined
}

/** The key beside a certificate: the same name with `.key`. */
export function keyBeside(path: string): string {
  return path.replace(/\.[^./]+$/, '.key')
}

/** In a directory of `certs init`, whoever holds this certificate needs its key too: it is no copy for verifiers. */
export function needsKey(path: string, role: LintRole): boolean {
  const holder = basename(dirname(path))
  if (role === 'ca') return false
  return holder === 'broker' || (nodeOf(path) !== undefined && role !== 'issuer')
}
