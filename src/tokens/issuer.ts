import type { KeyObject } from 'node:crypto'
import { type Certificate, checkPair, type KeyPair } from '../certs/index.ts'
import { BrokerError, Refusal, Secret } from '../lib/index.ts'
import { type Algorithm, algorithmsOf } from './algorithms.ts'
import { AUDIT_CHECKPOINT, type AuditCheckpoint } from './audit-checkpoint.ts'
import { parseClaims } from './claims.ts'
import { encodeSigned, type JwsFormat } from './compact-jws.ts'
import {
  type FedAuthClaims,
  fedAuthId,
  renderFedAuthClaims,
  renderFedAuthToken,
} from './fedauth-token.ts'
import { GATEWAY_TOKEN, type GatewayClaims } from './gateway-token.ts'
import { HOST_TOKEN, type HostClaims } from './host-token.ts'
import { signText } from './jws-signature.ts'
import { assertMaySign, x5tS256Of } from './trust-list.ts'

/** A longer token is not handed out: the lengths that clients take in an `.rdp` line are not documented. */
export const MAX_TOKEN_CHARACTERS = 1500

/** What was asked for makes a token of more than {@link MAX_TOKEN_CHARACTERS}. */
export class TokenTooLong extends Refusal {
  readonly characters: number

  constructor(characters: number) {
    super('token-malformed', `token: ${characters} characters, may have ${MAX_TOKEN_CHARACTERS}`)
    this.characters = characters
  }
}

/**
 * Signs tokens; with any key but P-256 off the main thread, since RSA-4096 takes 3.5 ms. All methods throw
 *
 * - Refusal `token-malformed` for claims that no verifier would take; {@link TokenTooLong};
 * - BrokerError `ERR_CERTIFICATE` when the token's time is outside the certificate's own life.
 */
export interface Issuer {
  certificate: Certificate
  algorithm: Algorithm
  /** A gateway token. */
  sign(claims: GatewayClaims): Promise<Secret>
  signHost(claims: HostClaims): Promise<Secret>
  /** No secret: it opens nothing. */
  signCheckpoint(claims: AuditCheckpoint): Promise<string>
  /** A FedAuth gateway token with PKCS#1 v1.5 and SHA-256. Absent unless the key is RSA. */
  signFedAuth?: (claims: FedAuthClaims) => Promise<SignedFedAuth>
}

export interface SignedFedAuth {
  token: Secret
  /** What ledger and log will call it. */
  jti: string
}

/**
 * Reads the issuer's certificate and key once.
 *
 * @throws BrokerError `ERR_CERTIFICATE`
 */
export async function createIssuer(pair: KeyPair): Promise<Issuer> {
  const { certificate, privateKey } = checkPair(pair, 'issuer')
  assertMaySign(certificate)
  const [algorithm] = algorithmsOf(certificate)
  if (algorithm === undefined) throw new TypeError('every key has an algorithm')
  const x5tS256 = x5tS256Of(certificate)

  const signJws = async <Claims extends { iat: number }>(
    { typ, claims: schema }: Pick<JwsFormat<Claims>, 'typ' | 'claims'>,
    claims: Claims,
  ): Promise<Secret> => {
    const payload = parseClaims(schema, claims)
    checkLife(certificate, claims.iat)
    const signedText = encodeSigned({ alg: algorithm, typ, 'x5t#S256': x5tS256 }, payload)
    const signature = await signText(privateKey, algorithm, signedText)
    return bounded(`${signedText}.${signature.toString('base64url')}`)
  }
  return {
    certificate,
    algorithm,
    sign: (claims) => signJws(GATEWAY_TOKEN, claims),
    signHost: (claims) => signJws(HOST_TOKEN, claims),
    signCheckpoint: async (claims) => (await signJws(AUDIT_CHECKPOINT, claims)).reveal(),
    ...(algorithm === 'RS256' ? { signFedAuth: fedAuthSigner(certificate, privateKey) } : {}),
  }
}

function fedAuthSigner(
  certificate: Certificate,
  key: KeyObject,
): (claims: FedAuthClaims) => Promise<SignedFedAuth> {
  return async (claims) => {
    const signedText = renderFedAuthClaims(claims)
    checkLife(certificate, claims.exp)
    const token = renderFedAuthToken({
      signedText,
      hash: 'SHA256',
      sha1Thumbprint: certificate.sha1Thumbprint,
      signature: await signText(key, 'RS256', signedText),
    })
    return { token: bounded(token), jti: fedAuthId(signedText) }
  }
}

function bounded(token: string): Secret {
  if (token.length <= MAX_TOKEN_CHARACTERS) return new Secret(token)
  throw new TokenTooLong(token.length)
}

/** @param seconds `iat`, or `exp` where the format has nothing else */
function checkLife({ notBefore, notAfter, subject }: Certificate, seconds: number): void {
  const ms = seconds * 1000
  if (ms >= notBefore.getTime() && ms <= notAfter.getTime()) return
  throw new BrokerError(
    'ERR_CERTIFICATE',
    `issuer ${subject}: valid from ${notBefore.toISOString()} to ${notAfter.toISOString()}, not at ${new Date(ms).toISOString()}`,
  )
}
