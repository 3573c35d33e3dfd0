import { type KeyObject, randomBytes, sign, verify, webcrypto } from 'node:crypto'
import { BrokerError } from '../lib/index.ts'
import { type Certificate, readCertificate } from './certificate.ts'
import { readPrivateKey } from './private-key.ts'
import { x509 } from './x509.ts'

/** A certificate (or a chain, leaf first) and the private key of its leaf. */
export interface KeyPair {
  certificatePem: string
  /** PKCS#8 (RFC 5208), not encrypted. */
  privateKeyPem: string
}

export interface CheckedPair {
  certificate: Certificate
  privateKey: KeyObject
}

/** PKCS#8 in PEM of a key that may be exported. */
export async function exportPrivateKey(key: webcrypto.CryptoKey): Promise<string> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', key)
  return `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`
}

/**
 * Reads both halves and proves that they belong together by signing with one and verifying with the
 * other. Synchronous, up to 4 ms with RSA-4096: for start-up, not for the serving path.
 *
 * @param name what to call the pair in errors: `issuer`
 * @throws BrokerError `ERR_CERTIFICATE`; never with any part of the key
 */
export function checkPair(pair: KeyPair, name = 'key pair'): CheckedPair {
  const certificate = readCertificate(pair.certificatePem, `${name} certificate`)
  const privateKey = readPrivateKey(pair.privateKeyPem, `${name} private key`)
  if (!belongsTogether(certificate.publicKey, privateKey)) {
    throw new BrokerError(
      'ERR_CERTIFICATE',
      `${name} private key: does not belong to certificate ${certificate.subject} (${certificate.sha1Thumbprint})`,
    )
  }
  return { certificate, privateKey }
}

/** Proves it by signing with one and verifying with the other. */
export function belongsTogether(publicKey: KeyObject, privateKey: KeyObject): boolean {
  if (publicKey.asymmetricKeyType !== privateKey.asymmetricKeyType) return false
  const challenge = randomBytes(32)
  // Ed25519 and Ed448 bring their own digest.
  const digest = publicKey.asymmetricKeyType?.startsWith('ed') ? null : 'sha256'
  return verify(digest, challenge, publicKey, sign(digest, challenge, privateKey))
}
