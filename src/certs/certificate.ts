import { type KeyObject, X509Certificate } from 'node:crypto'
import { BrokerError, errorText } from '../lib/index.ts'
import { x509 } from './x509.ts'

/** Certificates with this organization are for trying things out; only `demo` and `lab` take them unasked. */
export const DEVELOPMENT_ORGANIZATION = 'Portcullis development'

/** What this product needs to know of an X.509 certificate (RFC 5280). */
export interface Certificate {
  /** One PEM block, as given or made from the DER. */
  pem: string
  der: Uint8Array
  /** Digest of the DER, 40 upper-case hex digits. */
  sha1Thumbprint: string
  /** Digest of the DER, 64 upper-case hex digits. */
  sha256Thumbprint: string
  /** Distinguished name on one line, `CN=…, O=…`. */
  subject: string
  /** Distinguished name of the certificate's own issuer. */
  issuer: string
  notBefore: Date
  notAfter: Date
  publicKey: KeyObject
  /** Key usage (section 4.2.1.3) is present and names digitalSignature. */
  digitalSignature: boolean
  /** Object identifiers of the extended key usage (section 4.2.1.12); absent when the certificate has none. */
  extendedUsages?: string[]
  /** Basic constraints say that it may sign certificates. */
  authority: boolean
  /** Digest that its own signature is made with, upper case: `SHA-256`. */
  signatureHash: string
  /** DNS names of the subject alternative name, in its order. */
  dnsNames: string[]
  /** IP addresses of the subject alternative name, in its order. */
  ipAddresses: string[]
  /** URIs of the subject alternative name, in its order. */
  uris: string[]
  /** The subject's organization is {@link DEVELOPMENT_ORGANIZATION}. */
  development: boolean
}

/**
 * Reads one certificate; of a PEM chain the first, which is the leaf.
 *
 * @param pemOrDer PEM text or DER bytes
 * @param name what to call it in errors: `issuer certificate`
 * @throws BrokerError `ERR_CERTIFICATE`
 */
export function readCertificate(pemOrDer: string | Uint8Array, name = 'certificate'): Certificate {
  const parsed = parse(typeof pemOrDer === 'string' ? firstBlock(pemOrDer, name) : pemOrDer, name)
  const { native } = parsed
  const notBefore = timeOf(native.validFrom, native.validFromDate, 'notBefore', name)
  const notAfter = timeOf(native.validTo, native.validToDate, 'notAfter', name)
  const extendedUsages = parsed.extensions.find(
    (extension) => extension instanceof x509.ExtendedKeyUsageExtension,
  )
  return {
    pem: native.toString(),
    der: native.raw,
    sha1Thumbprint: native.fingerprint.replaceAll(':', ''),
    sha256Thumbprint: native.fingerprint256.replaceAll(':', ''),
    subject: oneLine(native.subject),
    issuer: oneLine(native.issuer),
    notBefore,
    notAfter,
    publicKey: parsed.publicKey,
    digitalSignature: usesDigitalSignature(parsed.extensions),
    ...(extendedUsages === undefined ? {} : { extendedUsages: extendedUsages.usages.map(String) }),
    authority: native.ca,
    signatureHash: parsed.signatureHash,
    ...subjectAlternativeNames(parsed.extensions),
    development: linesOf(native.subject).includes(`O=${DEVELOPMENT_ORGANIZATION}`),
  }
}

function firstBlock(text: string, name: string): string {
  const begin = text.indexOf('-----BEGIN CERTIFICATE-----')
  if (begin === -1) {
    const found = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1]
    throw unusable(name, found ? `holds ${found}, need CERTIFICATE` : 'no BEGIN CERTIFICATE line')
  }
  const end = '-----END CERTIFICATE-----'
  const length = text.slice(begin).indexOf(end)
  if (length === -1) throw unusable(name, 'cut off: no END CERTIFICATE line')
  return text.slice(begin, begin + length + end.length)
}

interface Parsed {
  native: X509Certificate
  publicKey: KeyObject
  signatureHash: string
  extensions: x509.Extension[]
}

/** Node takes thumbprints and keys, the library reads extensions (Node's `keyUsage` is the extended one). */
function parse(pemOrDer: string | Uint8Array, name: string): Parsed {
  try {
    const native = new X509Certificate(pemOrDer)
    const { extensions, signatureAlgorithm } = new x509.X509Certificate(new Uint8Array(native.raw))
    // An algorithm that the library does not know has no hash, whatever its types say.
    const signatureHash = signatureAlgorithm.hash?.name ?? 'unknown'
    return { native, publicKey: native.publicKey, signatureHash, extensions }
  } catch (error) {
    throw unusable(name, `not readable: ${errorText(error)}`, error)
  }
}

/**
 * Compared with no time at all, every clock would be inside the window. Of what OpenSSL cannot read Node's date may be
 * any (it is what was in memory); the text says so.
 */
function timeOf(text: string, date: Date, field: string, name: string): Date {
  const isRead = !Number.isNaN(Date.parse(text)) && !Number.isNaN(date.getTime())
  if (!isRead) throw unusable(name, `${field}: is no time`)
  return date
}

function usesDigitalSignature(extensions: x509.Extension[]): boolean {
  const usage = extensions.find((extension) => extension instanceof x509.KeyUsagesExtension)
  return usage !== undefined && (usage.usages & x509.KeyUsageFlags.digitalSignature) !== 0
}

function subjectAlternativeNames(extensions: x509.Extension[]): {
  dnsNames: string[]
  ipAddresses: string[]
  uris: string[]
} {
  const items =
    extensions.find((extension) => extension instanceof x509.SubjectAlternativeNameExtension)?.names
      .items ?? []
  const values = (type: x509.GeneralNameType): string[] =>
    items.filter((item) => item.type === type).map((item) => item.value)
  return { dnsNames: values('dns'), ipAddresses: values('ip'), uris: values('url') }
}

function oneLine(distinguishedName: string | undefined): string {
  return linesOf(distinguishedName).join(', ')
}

/** @param distinguishedName unlike what Node's types say undefined when it is empty (RFC 5280 4.1.2.6) */
function linesOf(distinguishedName: string | undefined): string[] {
  return distinguishedName?.split('\n') ?? []
}

function unusable(name: string, message: string, cause?: unknown): BrokerError {
  return new BrokerError('ERR_CERTIFICATE', `${name}: ${message}`, { cause })
}
