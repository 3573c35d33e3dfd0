import { type Certificate, readCertificates } from '../certs/index.ts'
import { BrokerError } from '../lib/index.ts'
import { readBytes } from './files.ts'

/**
 * The authorities in a file that `--ca` names, for who judges certificates: PEM, DER or PKCS#7.
 *
 * @throws BrokerError `ERR_USAGE`
 */
export function readAuthorities(path: string): Certificate[] {
  const bytes = readBytes(path, '--ca')
  try {
    return readCertificates(bytes, `--ca ${path}`)
  } catch (error) {
    throw new BrokerError('ERR_USAGE', `--ca ${path}: holds no certificate`, { cause: error })
  }
}
