import type { KeyObject } from 'node:crypto'
import type { Certificate } from '../certs/index.ts'
import { BrokerError } from '../lib/index.ts'

/** JWS algorithms (RFC 7518 section 3.1) by the issuer's key. The first of each list is the one we sign with. */
const BY_KEY = {
  rsa: ['RS256', 'RS512', 'PS256', 'PS512'],
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
} as const

export type Algorithm = (typeof BY_KEY)[keyof typeof BY_KEY][number]

const ALL: ReadonlySet<string> = new Set(Object.values(BY_KEY).flat())

/** Whether any issuer's key could have this algorithm; says nothing about a given issuer. */
export function isKnownAlgorithm(algorithm: string): algorithm is Algorithm {
  return ALL.has(algorithm)
}

/**
 * The algorithms that a token of this issuer may name.
 *
 * @throws BrokerError `ERR_CERTIFICATE` for keys that sign no tokens here: other curves, Ed25519, RSA
 *   outside 2048 to 4096 bits
 */
export function algorithmsOf(certificate: Certificate): readonly Algorithm[] {
  const key = keyName(certificate.publicKey)
  if (key !== undefined) return BY_KEY[key]
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey
  const size = asymmetricKeyDetails?.namedCurve ?? asymmetricKeyDetails?.modulusLength ?? ''
  throw new BrokerError(
    'ERR_CERTIFICATE',
    `${certificate.subject}: key is ${`${asymmetricKeyType} ${size}`.trim()}, need EC P-256, EC P-384 or RSA 2048 to 4096`,
  )
}

function keyName(key: KeyObject): keyof typeof BY_KEY | undefined {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'ec') {
    return namedCurve === 'prime256v1' || namedCurve === 'secp384r1' ? namedCurve : undefined
  }
  const isRsa = key.asymmetricKeyType === 'rsa' && modulusLength >= 2048 && modulusLength <= 4096
  return isRsa ? 'rsa' : undefined
}
