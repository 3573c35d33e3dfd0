import type { Certificate } from './certificate.ts'
import { findIssuer, isSelfSigned } from './chain.ts'
import { type Finding, fault, warning } from './finding.ts'

const MAX_DEPTH = 10

/**
 * Follows the chain from the leaf to one of the authorities, which are trusted as named, by names, signatures, times and the right to sign.
 */
export function lintChain(
  chain: Certificate[],
  { authorities, now }: { authorities?: Certificate[]; now: Date },
): Finding[] {
  const [leaf, ...presented] = chain
  if (leaf === undefined) return []
  if (isSelfSigned(leaf)) return lintSelfSigned(leaf, authorities)
  if (authorities === undefined) {
    return [
      warning(
        'chain-unchecked',
        `signed by ${leaf.issuer}, not checked`,
        'name its authority with --ca',
      ),
    ]
  }
  const candidates = [...authorities, ...presented]
  let last = leaf
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const issuer = findIssuer(last, candidates)
    if (issuer === undefined) return [incomplete(last, candidates)]
    const unfit = unfitness(issuer, now)
    if (unfit !== undefined) {
      return [
        fault(
          'chain-incomplete',
          `authority ${issuer.subject}: ${unfit}`,
          'have the certificate issued again by an authority that is valid',
        ),
      ]
    }
    if (includes(authorities, issuer)) return []
    if (isSelfSigned(issuer)) return [incomplete(issuer, [])]
    last = issuer
  }
  return [incomplete(last, [])]
}

function includes(authorities: Certificate[], certificate: Certificate): boolean {
  return authorities.some(
    ({ sha256Thumbprint }) => sha256Thumbprint === certificate.sha256Thumbprint,
  )
}

function lintSelfSigned(leaf: Certificate, authorities: Certificate[] | undefined): Finding[] {
  if (authorities !== undefined && includes(authorities, leaf)) return []
  return [
    warning(
      'self-signed',
      'signed by itself: whoever trusts it has to be given exactly this certificate',
      'have an authority sign it: certs issue, or certs csr',
    ),
  ]
}

function incomplete(certificate: Certificate, candidates: Certificate[]): Finding {
  const namesake = candidates.some(({ subject }) => subject === certificate.issuer)
  return fault(
    'chain-incomplete',
    namesake
      ? `${certificate.subject}: the signature is not by the key of ${certificate.issuer}`
      : `${certificate.subject}: its authority ${certificate.issuer} is not among those of --ca`,
    'put the intermediate certificates behind the leaf, and name the root with --ca',
  )
}

function unfitness({ authority, notBefore, notAfter }: Certificate, now: Date): string | undefined {
  if (!authority) return 'may not sign certificates (no CA:TRUE)'
  if (notAfter <= now) return `expired on ${notAfter.toISOString()}`
  if (notBefore > now) return `valid from ${notBefore.toISOString()}`
  return undefined
}
