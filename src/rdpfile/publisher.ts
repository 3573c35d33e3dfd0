import { constants, sign } from 'node:crypto'
import { promisify } from 'node:util'
import {
  type Certificate,
  checkPair,
  type KeyPair,
  orderChain,
  prepareSignedData,
  readCertificates,
} from '../certs/index.ts'
import { BrokerError } from '../lib/index.ts'

/** Clients call a shorter key no signature at all. */
const MIN_MODULUS_BITS = 2048

const signAsync = promisify(sign)

/** Who signs `.rdp` files: what Windows names as their publisher. */
export interface Publisher {
  certificate: Certificate
  /** A detached CMS signature over the message, in DER. The private key is used on a thread of the pool, never on this one. */
  sign(message: Uint8Array): Promise<Uint8Array>
}

/**
 * @param pair the certificate, then its intermediates, which go into every file, so that a client that knows only
 *   the root can follow the chain; a root among them is left out
 * @throws BrokerError `ERR_CERTIFICATE` for a key that is not RSA of 2048 bits or more, a certificate without
 *   digitalSignature, or halves that do not belong together
 */
export function createPublisher(pair: KeyPair, name = 'publisher'): Publisher {
  const { certificate, privateKey } = checkPair(pair, name)
  const bits = certificate.publicKey.asymmetricKeyDetails?.modulusLength ?? 0
  if (certificate.publicKey.asymmetricKeyType !== 'rsa' || bits < MIN_MODULUS_BITS) {
    throw unusable(
      name,
      `need an RSA key of ${MIN_MODULUS_BITS} bits or more: clients verify no other`,
    )
  }
  if (!certificate.digitalSignature) throw unusable(name, 'key usage lacks digitalSignature')

  const [, ...others] = readCertificates(Buffer.from(pair.certificatePem), `${name} certificate`)
  const [, ...intermediates] = orderChain(certificate, others)
  const wrap = prepareSignedData([certificate, ...intermediates], bits / 8)
  const key = { key: privateKey, padding: constants.RSA_PKCS1_PADDING }
  return {
    certificate,
    sign: async (message) => wrap(await signAsync('sha256', message, key)),
  }
}

function unusable(name: string, message: string): BrokerError {
  return new BrokerError('ERR_CERTIFICATE', `${name} certificate: ${message}`)
}
