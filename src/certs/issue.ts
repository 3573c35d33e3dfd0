import { randomBytes, type webcrypto } from 'node:crypto'
import { BrokerError } from '../lib/index.ts'
import { checkPair, exportPrivateKey, type KeyPair } from './key-pair.ts'
import {
  createKeys,
  type Hash,
  importSigningKey,
  type KeyType,
  signatureAlgorithm,
} from './keys.ts'
import { type Profile, profileExtensions } from './profile.ts'
import { x509 } from './x509.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** Control certificates are short-lived: a node that was removed should not be able to come back for long. */
export const CONTROL_DAYS = 30

export interface AuthorityOptions {
  commonName: string
  organization: string
  notBefore: Date
  /** Whole days from `notBefore`. */
  days: number
  /** Of the new key; default EC P-256. */
  key?: KeyType
  /** What the certificate is signed with; default SHA-256. */
  hash?: Hash
}

/** A new leaf: the authority signs it. */
export type IssueOptions = AuthorityOptions & Profile & { authority: KeyPair }

/** A self-signed certification authority; it may sign leaves only. */
export async function createAuthority(options: AuthorityOptions): Promise<KeyPair> {
  const { key = 'ec-p256', hash = 'sha256' } = options
  const keys = await createKeys(key, hash)
  const certificate = await x509.X509CertificateGenerator.create({
    ...commonFields(options, keys),
    issuer: distinguishedName(options),
    signingKey: keys.privateKey,
    signingAlgorithm: signatureAlgorithm(key, hash),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return {
    certificatePem: toPem(certificate),
    privateKeyPem: await exportPrivateKey(keys.privateKey),
  }
}

/**
 * A leaf certificate with a new key, signed by the authority.
 *
 * @throws BrokerError `ERR_CERTIFICATE` for an unusable authority, a name that can't stand in a
 *   certificate, or a life that would outlast the authority's
 */
export async function issueCertificate(options: IssueOptions): Promise<KeyPair> {
  const { key = 'ec-p256', hash = 'sha256' } = options
  const checked = checkPair(options.authority, 'authority')
  const authority = new x509.X509Certificate(new Uint8Array(checked.certificate.der))
  const profile = profileExtensions(options, key)
  const signing = await importSigningKey(checked.privateKey, hash)
  const keys = await createKeys(key, hash)
  const fields = commonFields(options, keys)
  if (fields.notAfter > checked.certificate.notAfter) {
    throw new BrokerError(
      'ERR_CERTIFICATE',
      `${options.commonName}: notAfter ${fields.notAfter.toISOString()} is later than the authority's ${checked.certificate.notAfter.toISOString()}`,
    )
  }
  const certificate = await x509.X509CertificateGenerator.create({
    ...fields,
    issuer: authority.subjectName,
    signingKey: signing.key,
    signingAlgorithm: signing.algorithm,
    extensions: [
      ...profile,
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(authority),
    ],
  })
  return {
    certificatePem: toPem(certificate),
    privateKeyPem: await exportPrivateKey(keys.privateKey),
  }
}

function commonFields(options: AuthorityOptions, keys: webcrypto.CryptoKeyPair) {
  // Certificates count in whole seconds (RFC 5280 section 4.1.2.5).
  const notBeforeMs = Math.floor(options.notBefore.getTime() / 1000) * 1000
  return {
    serialNumber: createSerialNumber(),
    subject: distinguishedName(options),
    notBefore: new Date(notBeforeMs),
    notAfter: new Date(notBeforeMs + options.days * DAY_MS),
    publicKey: keys.publicKey,
  }
}

/** 127 random bits, positive and of fixed length (RFC 5280 section 4.1.2.2 allows 20 octets). */
function createSerialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes.toString('hex')
}

export function distinguishedName({
  commonName,
  organization,
}: {
  commonName: string
  organization: string
}): x509.JsonName {
  return [{ CN: [commonName] }, { O: [organization] }]
}

function toPem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}
