import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { BrokerError, fileProblem } from '../lib/index.ts'

/** The bytes of a file that the operator named; `what` says in the error what it was for. */
export function readBytes(path: string, what: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new BrokerError('ERR_USAGE', `${what} ${path}: ${fileProblem(error)}`, { cause: error })
  }
}

/** As {@link readBytes}, for text in UTF-8. */
export function readText(path: string, what: string): string {
  return readBytes(path, what).toString('utf8')
}

/**
 * The authorities in a file that `--ca` names, as TLS takes them.
 *
 * @throws BrokerError `ERR_USAGE`: a file without certificates would only look like a peer without trust
 */
export function readAuthoritiesPem(path: string): string {
  const pem = readText(path, '--ca')
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem
  throw new BrokerError('ERR_USAGE', `--ca ${path}: holds no certificate in PEM`)
}

/** A secret from a file, or from standard input for `-`: secrets are never arguments. White space around it is dropped. */
export async function readSecretText(path: string, what: string): Promise<string> {
  return (path === '-' ? await text(process.stdin) : readText(path, what)).trim()
}
