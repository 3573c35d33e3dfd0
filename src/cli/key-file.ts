import { isEncryptedKey, openPrivateKey } from '../certs/index.ts'
import { readText } from './files.ts'
import { readPassword } from './password.ts'

/** How commands take the pass phrase of a key. */
export const KEY_PASSWORD_FILE = [
  '--key-password-file <file>',
  'pass phrase of an encrypted key, - for standard input (default: asks)',
] as const

/**
 * The private key in a file, without pass phrase: that comes from a file or is asked for, and only where there is one.
 *
 * @param option which one named the file: `--issuer-key`
 * @throws BrokerError `ERR_USAGE`; `ERR_CERTIFICATE` for a wrong pass phrase
 */
export async function readKeyFile(
  path: string,
  option: string,
  passwordFile: string | undefined,
): Promise<string> {
  const text = readText(path, option)
  if (!isEncryptedKey(text)) return text
  const question = `pass phrase of ${path}`
  const passPhrase = await readPassword({
    ...{ passwordFile, question },
    option: '--key-password-file',
  })
  return openPrivateKey(text, passPhrase, `${option} ${path}`)
}
