import { randomBytes, webcrypto } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import { BrokerError } from '../lib/index.ts'
import { checkPair, type KeyPair } from './key-pair.ts'
import { x509 } from './x509.ts'

const EC_P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const
const DAY_MS = 24 * 60 * 60 * 1000

/**
 * What each kind of certificate may be used for. The issuer's extended usage is the one that Hyper-V
 * and Microsoft's gateway plug-in ask of a token issuer.
 */
const ROLES = {
  issuer: { extendedUsage: x509.ExtendedKeyUsage.clientAuth },
  tls: { extendedUsage: x509.ExtendedKeyUsage.serverAuth },
} as const

export interface AuthorityOptions {
  commonName: string
  organization: string
  notBefore: Date
  /** Whole days from `notBefore`. */
  days: number
}

export interface IssueOptions extends AuthorityOptions {
  /** Signs the new certificate; its private key is an EC P-256 key, as {@link createAuthority} makes. */
  authority: KeyPair
  role: keyof typeof ROLES
  /** DNS names and literal IP addresses of the subject alternative name. */
  names?: string[]
}

/** A self-signed certification authority with an EC P-256 key; it may sign leaves only. */
export async function createAuthority(options: AuthorityOptions): Promise<KeyPair> {
  const keys = await createKeys()
  const certificate = await x509.X509CertificateGenerator.create({
    ...commonFields(options, keys),
    issuer: distinguishedName(options),
    signingKey: keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return exportPair(certificate, keys)
}

/**
 * A leaf certificate with a new EC P-256 key, signed by the authority.
 *
 * @throws BrokerError `ERR_CERTIFICATE` for an unusable authority, a name that is neither DNS name nor
 *   address, or a life that would outlast the authority's
 */
export async function issueCertificate(options: IssueOptions): Promise<KeyPair> {
  const { authority, role, names = [] } = options
  const checked = checkPair(authority, 'authority')
  const authorityCertificate = new x509.X509Certificate(new Uint8Array(checked.certificate.der))
  const keys = await createKeys()
  const fields = commonFields(options, keys)
  if (fields.notAfter > checked.certificate.notAfter) {
    throw new BrokerError(
      'ERR_CERTIFICATE',
      `${options.commonName}: notAfter ${fields.notAfter.toISOString()} is later than the authority's ${checked.certificate.notAfter.toISOString()}`,
    )
  }
  const certificate = await x509.X509CertificateGenerator.create({
    ...fields,
    issuer: authorityCertificate.subjectName,
    signingKey: await importSigningKey(checked.privateKey.export({ format: 'der', type: 'pkcs8' })),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([ROLES[role].extendedUsage]),
      ...(names.length > 0
        ? [new x509.SubjectAlternativeNameExtension(names.map(toGeneralName))]
        : []),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(authorityCertificate),
    ],
  })
  return exportPair(certificate, keys)
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
    signingAlgorithm: SIGNATURE,
  }
}

/** 127 random bits, positive and of fixed length (RFC 5280 section 4.1.2.2 allows 20 octets). */
function createSerialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes.toString('hex')
}

function distinguishedName({ commonName, organization }: AuthorityOptions): x509.JsonName {
  return [{ CN: [commonName] }, { O: [organization] }]
}

function toGeneralName(name: string): x509.JsonGeneralName {
  if (ipaddr.IPv4.isValidFourPartDecimal(name) || ipaddr.IPv6.isValid(name)) {
    return { type: 'ip', value: name }
  }
  if (!/^(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/i.test(name) || name.length > 253) {
    throw new BrokerError('ERR_CERTIFICATE', `names: ${name} is neither a DNS name nor an address`)
  }
  return { type: 'dns', value: name.toLowerCase() }
}

async function createKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(EC_P256, true, ['sign', 'verify'])
}

async function importSigningKey(pkcs8: Buffer): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey('pkcs8', pkcs8, EC_P256, false, ['sign'])
}

async function exportPair(
  certificate: x509.X509Certificate,
  keys: webcrypto.CryptoKeyPair,
): Promise<KeyPair> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    certificatePem: `${certificate.toString('pem')}\n`,
    privateKeyPem: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
  }
}
