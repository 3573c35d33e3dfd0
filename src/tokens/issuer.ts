import { CompactSign } from 'jose'
import { type Certificate, checkPair, type KeyPair } from '../certs/index.ts'
import { BrokerError, Refusal, Secret } from '../lib/index.ts'
import { type Algorithm, algorithmsOf } from './algorithms.ts'
import { type GatewayClaims, parseGatewayClaims } from './claims.ts'
import { assertMaySign, x5tS256Of } from './trust-list.ts'

/** A longer token is not handed out: the lengths that clients take in an `.rdp` line are not documented. */
export const MAX_TOKEN_CHARACTERS = 1500

export interface Issuer {
  certificate: Certificate
  algorithm: Algorithm
  /**
   * @throws Refusal `token-malformed` for claims that no verifier would take, or a token over
   *   {@link MAX_TOKEN_CHARACTERS}
   * @throws BrokerError `ERR_CERTIFICATE` when `iat` is outside the certificate's own life
   */
  sign(claims: GatewayClaims): Promise<Secret>
}

/**
 * Reads the issuer's certificate and key once; jose imports the key at the first signature and keeps
 * it. Signing runs off the main thread.
 *
 * @throws BrokerError `ERR_CERTIFICATE`
 */
export async function createIssuer(pair: KeyPair): Promise<Issuer> {
  const { certificate, privateKey } = checkPair(pair, 'issuer')
  assertMaySign(certificate)
  const [algorithm] = algorithmsOf(certificate)
  if (algorithm === undefined) throw new TypeError('every key has an algorithm')
  const header = { alg: algorithm, typ: 'cgt+jwt', 'x5t#S256': x5tS256Of(certificate) }

  return {
    certificate,
    algorithm,
    async sign(claims) {
      const payload = new TextEncoder().encode(JSON.stringify(parseGatewayClaims(claims)))
      checkLife(certificate, claims.iat)
      const token = await new CompactSign(payload).setProtectedHeader(header).sign(privateKey)
      if (token.length > MAX_TOKEN_CHARACTERS) {
        throw new Refusal(
          'token-malformed',
          `token: ${token.length} characters, may have ${MAX_TOKEN_CHARACTERS}`,
        )
      }
      return new Secret(token)
    },
  }
}

function checkLife({ notBefore, notAfter, subject }: Certificate, iat: number): void {
  const ms = iat * 1000
  if (ms >= notBefore.getTime() && ms <= notAfter.getTime()) return
  throw new BrokerError(
    'ERR_CERTIFICATE',
    `issuer ${subject}: valid from ${notBefore.toISOString()} to ${notAfter.toISOString()}, not at ${new Date(ms).toISOString()}`,
  )
}
