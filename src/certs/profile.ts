import ipaddr from 'ipaddr.js'
import { BrokerError } from '../lib/index.ts'
import { type ControlIdentity, controlUri } from './control-identity.ts'
import type { KeyType } from './keys.ts'
import { x509 } from './x509.ts'

/** What a leaf certificate is for. */
export type CertificateRole = 'issuer' | 'publisher' | 'tls' | 'control'

/** A leaf's purpose and names; a control certificate names its peer as well. */
export type Profile = {
  /** DNS names and literal IP addresses of the subject alternative name. */
  names?: string[]
} & ({ role: Exclude<CertificateRole, 'control'> } | { role: 'control'; identity: ControlIdentity })

const { clientAuth, serverAuth, codeSigning } = x509.ExtendedKeyUsage

/**
 * Extended key usage of each role. The issuer's is the one that Hyper-V and Microsoft's gateway plug-in
 * ask of a token issuer; both ends of the control channel may dial or listen.
 */
export const EXTENDED_USAGES: Record<CertificateRole, x509.ExtendedKeyUsage[]> = {
  issuer: [clientAuth],
  publisher: [codeSigning],
  tls: [serverAuth],
  control: [clientAuth, serverAuth],
}

/**
 * The extensions that say what a leaf is for: the same in a certificate and in a request for one.
 *
 * @throws BrokerError `ERR_CERTIFICATE` for a name that can't stand in a certificate
 */
export function profileExtensions(profile: Profile, keyType: KeyType): x509.Extension[] {
  const alternatives: x509.JsonGeneralNames = (profile.names ?? []).map(toGeneralName)
  if (profile.role === 'control') {
    alternatives.push({ type: 'url', value: controlUri(profile.identity) })
  }
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(keyUsage(profile.role, keyType), true),
    new x509.ExtendedKeyUsageExtension(EXTENDED_USAGES[profile.role]),
    ...(alternatives.length > 0 ? [new x509.SubjectAlternativeNameExtension(alternatives)] : []),
  ]
}

/** digitalSignature for all; with RSA also what Microsoft's request templates have for issuers and servers (0xA0). */
function keyUsage(role: CertificateRole, keyType: KeyType): number {
  const { digitalSignature, keyEncipherment } = x509.KeyUsageFlags
  const enciphers = keyType.startsWith('rsa') && (role === 'issuer' || role === 'tls')
  return enciphers ? digitalSignature | keyEncipherment : digitalSignature
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
