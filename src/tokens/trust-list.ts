import type { Certificate } from '../certs/index.ts'
import { BrokerError, type CertificateEnd } from '../lib/index.ts'
import { type Algorithm, algorithmsOf } from './algorithms.ts'

/** What an issuer's tokens may open: a gateway, a hypervisor host, or the one echo host of a node. */
export type Purpose = 'gateway' | 'host' | 'lab'
/** Those of the sets that brokers hand out: for a laboratory a node's own file alone can trust somebody. */
export type SharedPurpose = Exclude<Purpose, 'lab'>

export interface TrustEntry {
  certificate: Certificate
  purpose: Purpose
  /** Trusted from; the certificate's own notBefore when absent or earlier. */
  notBefore?: Date
  /** Trusted until; the certificate's own notAfter when absent or later. */
  notAfter?: Date
}

export interface TrustedIssuer {
  certificate: Certificate
  purpose: Purpose
  /** Milliseconds since the epoch, inclusive. */
  notBeforeMs: number
  /** Milliseconds since the epoch, inclusive. */
  notAfterMs: number
  /** What its key can verify. */
  algorithms: readonly Algorithm[]
}

export interface TrustList {
  readonly issuers: readonly TrustedIssuer[]
  /** @param x5tS256 header parameter `x5t#S256`: base64url of the certificate's SHA-256 (RFC 7515 section 4.1.8) */
  find(x5tS256: string, purpose: Purpose): TrustedIssuer | undefined
}

/**
 * The issuers that a verifier trusts. An empty list is one that refuses everything.
 *
 * @param nowMs the time of loading: a certificate that has expired by then is an error
 * @throws BrokerError `ERR_CERTIFICATE` for a certificate that is expired, may not sign, has a key that
 *   no algorithm fits, is listed twice for one purpose, or never trusted within its window
 */
export function createTrustList(entries: TrustEntry[], nowMs: number): TrustList {
  const byKey = new Map<string, TrustedIssuer>()
  for (const entry of entries) {
    const issuer = toTrustedIssuer(entry, nowMs)
    const key = keyOf(x5tS256Of(entry.certificate), entry.purpose)
    if (byKey.has(key)) throw unusable(entry.certificate, `listed twice for ${entry.purpose}`)
    byKey.set(key, issuer)
  }
  return {
    issuers: [...byKey.values()],
    find: (x5tS256, purpose) => byKey.get(keyOf(x5tS256, purpose)),
  }
}

/** For metrics: `issuer:` and the first 8 digits of the SHA-256 thumbprint, and when it ends. */
export function issuerEnd({ certificate }: TrustedIssuer): CertificateEnd {
  return [`issuer:${certificate.sha256Thumbprint.slice(0, 8)}`, certificate.notAfter]
}

/** Header parameter `x5t#S256` of tokens that this certificate's key signs. */
export function x5tS256Of(certificate: Certificate): string {
  return Buffer.from(certificate.sha256Thumbprint, 'hex').toString('base64url')
}

/** Extended key usages (RFC 5280 section 4.2.1.12) that fit an issuer: clientAuth, as Microsoft's verifiers want it. */
const ISSUER_USAGES = ['1.3.6.1.5.5.7.3.2', '2.5.29.37.0']

/**
 * One slip must not make the key of a web server or of a publisher the one that opens every console: a
 * certificate that says what it is for has to say clientAuth.
 *
 * @throws BrokerError `ERR_CERTIFICATE` when the certificate may not sign tokens
 */
export function assertMaySign(certificate: Certificate): void {
  const { digitalSignature, extendedUsages } = certificate
  if (!digitalSignature) throw unusable(certificate, 'key usage lacks digitalSignature')
  if (extendedUsages === undefined) return
  if (!extendedUsages.some((usage) => ISSUER_USAGES.includes(usage))) {
    const message = `made for other things (${extendedUsages.join(', ')}); need one for clientAuth`
    throw unusable(certificate, message)
  }
}

function toTrustedIssuer(entry: TrustEntry, nowMs: number): TrustedIssuer {
  const { certificate, purpose } = entry
  assertMaySign(certificate)
  if (certificate.notAfter.getTime() < nowMs) {
    throw unusable(certificate, `expired on ${certificate.notAfter.toISOString()}`)
  }
  const notBeforeMs = Math.max(
    certificate.notBefore.getTime(),
    entry.notBefore?.getTime() ?? Number.NEGATIVE_INFINITY,
  )
  const notAfterMs = Math.min(
    certificate.notAfter.getTime(),
    entry.notAfter?.getTime() ?? Number.POSITIVE_INFINITY,
  )
  // Written so that an invalid date fails as well: no comparison with NaN is true.
  if (!(notBeforeMs <= notAfterMs)) throw unusable(certificate, 'trust window is empty')
  return {
    certificate,
    purpose,
    notBeforeMs,
    notAfterMs,
    algorithms: algorithmsOf(certificate),
  }
}

function keyOf(x5tS256: string, purpose: Purpose): string {
  return `${purpose} ${x5tS256}`
}

function unusable({ subject, sha1Thumbprint }: Certificate, message: string): BrokerError {
  return new BrokerError('ERR_CERTIFICATE', `issuer ${subject} (${sha1Thumbprint}): ${message}`)
}
