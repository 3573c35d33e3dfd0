import { distinguishedName } from './issue.ts'
import { exportPrivateKey } from './key-pair.ts'
import { createKeys, type Hash, type KeyType, signatureAlgorithm } from './keys.ts'
import { type Profile, profileExtensions } from './profile.ts'
import { x509 } from './x509.ts'

/** What an enterprise authority is asked for: subject, names and usages of a role. */
export type RequestOptions = Profile & {
  commonName: string
  organization: string
  /** Default EC P-256. */
  key?: KeyType
  /** Default SHA-256. */
  hash?: Hash
}

export interface CertificateRequest {
  /** PKCS#10 (RFC 2986), signed with the new key. */
  requestPem: string
  /** PKCS#8, stays where it was made. */
  privateKeyPem: string
}

/**
 * A new key and a request for its certificate.
 *
 * @throws BrokerError `ERR_CERTIFICATE` for a name that can't stand in a certificate
 */
export async function createRequest(options: RequestOptions): Promise<CertificateRequest> {
  const { key = 'ec-p256', hash = 'sha256' } = options
  const extensions = profileExtensions(options, key)
  const keys = await createKeys(key, hash)
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: distinguishedName(options),
    keys,
    signingAlgorithm: signatureAlgorithm(key, hash),
    extensions,
  })
  return {
    requestPem: `${request.toString('pem')}\n`,
    privateKeyPem: await exportPrivateKey(keys.privateKey),
  }
}
