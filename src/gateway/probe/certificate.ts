import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { HostCertificate } from '../../control/index.ts'
import { toShown } from './shown.ts'

/**
 * The certificate that a host has shown, unverified.
 *
 * @param name under which the host is known: a name or a literal address
 * @returns undefined when it showed none, or none whose end can be read
 */
export function certificateOf(secure: TLSSocket, name: string): HostCertificate | undefined {
  const certificate = secure.getPeerX509Certificate()
  if (certificate === undefined) return undefined
  // Of what OpenSSL cannot read Node's date may be any; its text says so.
  const notAfter = Date.parse(certificate.validTo)
  if (Number.isNaN(notAfter)) return undefined
  const subject = nameIn(certificate.subject)
  const issuer = nameIn(certificate.issuer)
  return {
    protocol: toShown(secure.getProtocol() ?? '') ?? 'TLS',
    ...(subject === undefined ? {} : { subject }),
    ...(issuer === undefined ? {} : { issuer }),
    notAfter: Math.max(0, notAfter),
    sha256Thumbprint: certificate.fingerprint256.replaceAll(':', ''),
    namesHost: namesHost(certificate, name),
  }
}

/** @param text unlike what Node's types say undefined for an empty name, as RFC 5280 4.1.2.6 allows it beside other names */
function nameIn(text: string | undefined): string | undefined {
  return text === undefined ? undefined : toShown(text)
}

function namesHost(certificate: X509Certificate, name: string): boolean {
  if (isIP(name) !== 0) return certificate.checkIP(name) !== undefined
  // Hosts sign their own, often with a common name alone, and clients still compare it.
  return certificate.checkHost(name, { subject: 'always' }) !== undefined
}
