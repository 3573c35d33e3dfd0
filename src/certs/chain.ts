import { X509Certificate } from 'node:crypto'
import { BrokerError, errorText } from '../lib/index.ts'
import { type Certificate, readCertificate } from './certificate.ts'
import { x509 } from './x509.ts'

/** More certificates in one file are nobody's chain. */
const MAX_CERTIFICATES = 20

/**
 * Every certificate in a file, in its order: PEM blocks, one certificate in DER, or the PKCS#7 bag (`.p7b`) that
 * enterprise authorities hand out, in DER or PEM.
 *
 * @param name what to call the file in errors
 * @throws BrokerError `ERR_CERTIFICATE`
 */
export function readCertificates(bytes: Uint8Array, name = 'certificate'): Certificate[] {
  const text = Buffer.from(bytes).toString('latin1')
  if (text.includes('-----BEGIN PKCS7-----')) return readPkcs7(text, name)
  if (text.includes('-----BEGIN ')) {
    const blocks = text
      .split(/(?=-----BEGIN CERTIFICATE-----)/)
      .filter((block) => block.startsWith('-----BEGIN CERTIFICATE-----'))
    if (blocks.length === 0) return [readCertificate(text, name)]
    if (blocks.length > MAX_CERTIFICATES) {
      throw new BrokerError(
        'ERR_CERTIFICATE',
        `${name}: more than ${MAX_CERTIFICATES} certificates`,
      )
    }
    return blocks.map((block, index) =>
      readCertificate(block, blocks.length > 1 ? `${name} (number ${index + 1})` : name),
    )
  }
  if (text.includes(PKCS7_SIGNED_DATA) && text.indexOf(PKCS7_SIGNED_DATA) < 32) {
    return readPkcs7(bytes, name)
  }
  return [readCertificate(bytes, name)]
}

/** The object identifier 1.2.840.113549.1.7.2 in DER. */
const PKCS7_SIGNED_DATA = '\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02'

function readPkcs7(input: string | Uint8Array, name: string): Certificate[] {
  let found: x509.X509Certificates
  try {
    found = new x509.X509Certificates(typeof input === 'string' ? input : new Uint8Array(input))
  } catch (error) {
    throw new BrokerError('ERR_CERTIFICATE', `${name}: not readable: ${errorText(error)}`, {
      cause: error,
    })
  }
  return Array.from(found, ({ rawData }) => readCertificate(new Uint8Array(rawData), name)).slice(
    0,
    MAX_CERTIFICATES,
  )
}

/** The one that signed a certificate, by name and by signature; undefined when it is not among the candidates. */
export function findIssuer(
  certificate: Certificate,
  candidates: Certificate[],
): Certificate | undefined {
  const native = new X509Certificate(certificate.der)
  return candidates.find(
    (candidate) => candidate.subject === certificate.issuer && native.verify(candidate.publicKey),
  )
}

/** It is its own issuer: a root, or a certificate that nobody else has signed. */
export function isSelfSigned(certificate: Certificate): boolean {
  return findIssuer(certificate, [certificate]) !== undefined
}

/** The leaf, then each one's issuer as far as the candidates go; a root only when `leaf` is one itself. */
export function orderChain(leaf: Certificate, candidates: Certificate[]): Certificate[] {
  const chain = [leaf]
  let last = leaf
  while (!isSelfSigned(last) && chain.length < MAX_CERTIFICATES) {
    const issuer = findIssuer(last, candidates)
    if (issuer === undefined || isSelfSigned(issuer)) break
    chain.push(issuer)
    last = issuer
  }
  return chain
}
