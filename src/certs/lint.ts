import type { Certificate } from './certificate.ts'
import { type ControlRole, controlIdentityOf } from './control-identity.ts'
import { expiryFindings } from './expiry.ts'
import { type Finding, fault, warning } from './finding.ts'
import { describeKey, keyTypeOf } from './keys.ts'
import { lintChain } from './lint-chain.ts'
import { EXTENDED_USAGES } from './profile.ts'

/** What a certificate is checked for: the roles on the command line. */
export const LINT_ROLES = ['issuer', 'publisher', 'tls', 'node', 'broker', 'agent', 'ca'] as const
export type LintRole = (typeof LINT_ROLES)[number]

export interface LintOptions {
  role: LintRole
  /** Names that a TLS certificate has to carry: the farm's, the VIP's, the node's. */
  names: string[]
  /** Microsoft's gateways and hosts shall trust the issuer's tokens. */
  microsoft: boolean
  /** Roots, and intermediates that are not in the file; absent when the chain is not to be checked. */
  authorities?: Certificate[]
  now: Date
}

const DAY_MS = 24 * 60 * 60 * 1000
/** Two years, one of them a leap year. */
const MAX_DAYS = 731
/** From here on an expiry is no matter for the next planning meeting. */
const URGENT_DAYS = 7

/**
 * What is wrong with a certificate for its role. Empty when nothing is.
 *
 * @param chain the leaf, then what else the file holds
 */
export function lintCertificate(chain: Certificate[], options: LintOptions): Finding[] {
  const [leaf] = chain
  if (leaf === undefined) return []
  return [
    ...lintKeyAndHash(leaf, options),
    ...(options.role === 'ca' ? lintAuthority(leaf) : lintLeaf(leaf, options)),
    ...lintTimes(leaf, options),
    ...(options.role === 'ca' ? [] : lintChain(chain, options)),
  ]
}

function lintKeyAndHash(leaf: Certificate, { role, microsoft }: LintOptions): Finding[] {
  const findings: Finding[] = []
  const key = describeKey(leaf.publicKey)
  const isRsa = leaf.publicKey.asymmetricKeyType === 'rsa'
  const bits = leaf.publicKey.asymmetricKeyDetails?.modulusLength ?? 0
  const rsaOnly =
    role === 'publisher'
      ? 'clients verify only RSA signatures of .rdp files'
      : "Microsoft's gateways and hosts verify only RSA signatures"
  if (isRsa && bits < 2048) {
    findings.push(
      fault(
        'key-weak',
        `key: need at least 2048 bits, have ${bits}`,
        'make a new one with --key rsa-3072',
      ),
    )
  } else if (keyTypeOf(leaf.publicKey) === undefined && !(isRsa && bits <= 4096)) {
    findings.push(
      fault(
        'key-unusable',
        `key: need EC P-256, EC P-384 or RSA 2048 to 4096, have ${key}`,
        'make a new one with --key ec-p256',
      ),
    )
  }
  if (!isRsa && (role === 'publisher' || (role === 'issuer' && microsoft))) {
    findings.push(
      fault(
        'key-unusable',
        `key: need RSA, have ${key}: ${rsaOnly}`,
        'make a new one with --key rsa-2048',
      ),
    )
  }
  if (!/^SHA-(256|384|512)$/.test(leaf.signatureHash)) {
    findings.push(
      fault(
        'hash-weak',
        `signature: need SHA-256, SHA-384 or SHA-512, have ${leaf.signatureHash}`,
        'have the authority issue it again with SHA-256',
      ),
    )
  }
  return findings
}

function lintAuthority(certificate: Certificate): Finding[] {
  if (certificate.authority) return []
  return [
    fault(
      'is-no-authority',
      'basic constraints: need CA:TRUE to sign other certificates',
      'use the certificate of the authority here',
    ),
  ]
}

function lintLeaf(leaf: Certificate, options: LintOptions): Finding[] {
  const findings: Finding[] = []
  const profile = profileOf(options.role)
  if (leaf.authority) {
    findings.push(
      fault(
        'is-authority',
        'basic constraints: CA:TRUE, so whoever has this key can sign any certificate',
        'issue a certificate of its own for this role',
      ),
    )
  }
  if (!leaf.digitalSignature) {
    findings.push(
      fault(
        'usage-missing',
        'key usage: need digitalSignature',
        'have it issued again with that usage; certs csr asks for it',
      ),
    )
  }
  const needsExtended = options.role !== 'issuer' || options.microsoft
  const missing = EXTENDED_USAGES[profile].filter((usage) => !leaf.extendedUsages?.includes(usage))
  if (needsExtended && missing.length > 0) {
    findings.push(
      fault(
        'usage-missing',
        `extended key usage: need ${missing.map((usage) => USAGE_NAMES[usage] ?? usage).join(' and ')}`,
        'have it issued again with that usage; certs csr asks for it',
      ),
    )
  }
  findings.push(...lintNames(leaf, options))
  if (leaf.development) {
    findings.push(
      warning(
        'development',
        `subject: ${leaf.subject}; only the demo takes development certificates`,
        'make your own with certs init',
      ),
    )
  }
  return findings
}

const USAGE_NAMES: Record<string, string> = {
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
  '1.3.6.1.5.5.7.3.3': 'codeSigning',
}

function profileOf(role: LintRole): keyof typeof EXTENDED_USAGES {
  return role === 'issuer' || role === 'publisher' || role === 'tls' ? role : 'control'
}

function lintNames(leaf: Certificate, { role, names }: LintOptions): Finding[] {
  if (role === 'issuer' || role === 'publisher' || role === 'ca') return []
  const found = [...leaf.dnsNames, ...leaf.ipAddresses]
  const findings = names
    .filter((name) => !covers(leaf, name))
    .map((name) =>
      fault(
        'name-missing',
        `subject alternative name: need ${name}, have ${found.join(', ') || 'none'}`,
        'have it issued again with every name that clients dial (--name)',
      ),
    )
  if (role === 'tls') {
    if (found.length > 0 || names.length > 0) return findings
    return [
      fault(
        'name-missing',
        'subject alternative name: none; clients do not look at the common name',
        'have it issued again with every name that clients dial (--name)',
      ),
    ]
  }
  return [...findings, ...lintIdentity(leaf, role)]
}

function lintIdentity(leaf: Certificate, role: ControlRole): Finding[] {
  const identity = controlIdentityOf(leaf)
  if (identity?.role === role) return []
  const have = identity === undefined ? 'none' : `${identity.role} ${identity.name}`
  return [
    fault(
      'identity-missing',
      `control identity: need one of role ${role}, have ${have}`,
      `issue it with certs issue --role ${role}`,
    ),
  ]
}

function covers({ dnsNames, ipAddresses }: Certificate, name: string): boolean {
  const wanted = name.toLowerCase()
  const wildcard = `*${wanted.slice(wanted.indexOf('.'))}`
  const known = [...dnsNames.map((dnsName) => dnsName.toLowerCase()), ...ipAddresses]
  return known.includes(wanted) || (wanted.includes('.') && known.includes(wildcard))
}

function lintTimes(leaf: Certificate, { role, now }: LintOptions): Finding[] {
  const findings: Finding[] = []
  const days = Math.ceil((leaf.notAfter.getTime() - leaf.notBefore.getTime()) / DAY_MS)
  if (leaf.notBefore > now) {
    findings.push(
      fault(
        'not-yet-valid',
        `valid from ${leaf.notBefore.toISOString()}, now it is ${now.toISOString()}`,
        'wait until then, or set the clock right',
      ),
    )
  }
  for (const { stepDays, daysLeft } of expiryFindings([{ name: '', certificate: leaf }], now)) {
    const end = leaf.notAfter.toISOString()
    const fix = `make its successor now: certs issue --role ${role}`
    if (stepDays === 0) findings.push(fault('expired', `expired on ${end}`, fix))
    else {
      const add = stepDays <= URGENT_DAYS ? fault : warning
      findings.push(add('expires-soon', `expires in ${daysLeft} days, on ${end}`, fix))
    }
  }
  if (role !== 'ca' && days > MAX_DAYS) {
    findings.push(
      warning(
        'validity-long',
        `validity: need at most two years, have ${days} days`,
        'issue it for a year, so that replacing it stays practised',
      ),
    )
  }
  return findings
}
