import { readCertificate } from '../certs/index.ts'
import { BrokerError } from '../lib/index.ts'
import { createTrustList, type SharedPurpose, type TrustList } from './trust-list.ts'

/** An issuer as it travels: its certificate as text, named once more by its thumbprint. */
export interface PemTrustEntry {
  certificatePem: string
  /** 64 upper-case hex digits. */
  sha256Thumbprint: string
  purpose: SharedPurpose
  /** Milliseconds since the epoch, as in `TrustEntry`. */
  notBefore?: number
  notAfter?: number
}

export interface PemTrustOptions {
  nowMs: number
  /** Takes issuers whose certificates carry the development organization. */
  development: boolean
}

/**
 * A trust list from a set that came over the wire or from a file. Certificates that have expired are
 * left out instead of being an error: a set that was right when it was made must not fail as a whole later.
 *
 * @throws BrokerError `ERR_CERTIFICATE` when a certificate is unreadable, has another thumbprint, may
 *   not sign, or is a development certificate where none may be
 */
export function createTrustListFromPem(
  entries: readonly PemTrustEntry[],
  { nowMs, development }: PemTrustOptions,
): TrustList {
  const read = entries.map(({ certificatePem, sha256Thumbprint, purpose, notBefore, notAfter }) => {
    const certificate = readCertificate(certificatePem, `issuer ${sha256Thumbprint}`)
    if (certificate.sha256Thumbprint !== sha256Thumbprint) {
      throw unusable(sha256Thumbprint, `its certificate has ${certificate.sha256Thumbprint}`)
    }
    if (certificate.development && !development) {
      throw unusable(sha256Thumbprint, 'is a development certificate')
    }
    return {
      certificate,
      purpose,
      ...(notBefore === undefined ? {} : { notBefore: new Date(notBefore) }),
      ...(notAfter === undefined ? {} : { notAfter: new Date(notAfter) }),
    }
  })
  const living = read.filter(({ certificate }) => certificate.notAfter.getTime() >= nowMs)
  return createTrustList(living, nowMs)
}

function unusable(thumbprint: string, message: string): BrokerError {
  return new BrokerError('ERR_CERTIFICATE', `issuer ${thumbprint}: ${message}`)
}
