import { type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { CompactSign } from 'jose'
import { type Certificate, checkPair, type KeyPair } from '../certs/index.ts'
import { BrokerError, Refusal, Secret } from '../lib/index.ts'
import { type Algorithm, algorithmsOf } from './algorithms.ts'
import { AUDIT_CHECKPOINT, type AuditCheckpoint } from './audit-checkpoint.ts'
import { parseClaims } from './claims.ts'
import type { JwsFormat } from './compact-jws.ts'
import {
  type FedAuthClaims,
  fedAuthId,
  renderFedAuthClaims,
  renderFedAuthToken,
} from './fedauth-token.ts'
import { GATEWAY_TOKEN, type GatewayClaims } from './gateway-token.ts'
import { HOST_TOKEN, type HostClaims } from './host-token.ts'
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
 * Signs tokens; every method off the main thread, since RSA-4096 takes 3.5 ms. All of them throw
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
 * Reads the issuer's certificate and key once; jose imports the key at the first signature and keeps it.
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
    const payload = new TextEncoder().encode(JSON.stringify(parseClaims(schema, claims)))
    checkLife(certificate, claims.iat)
    const header = { alg: algorithm, typ, 'x5t#S256': x5tS256 }
    return bounded(await new CompactSign(payload).setProtectedHeader(header).sign(privateKey))
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

const signOffThread = promisify(
  (data: Buffer, key: KeyObject, done: (error: Error | null, signature: Buffer) => void) =>
    sign('sha256', data, key, done),
)

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
      signature: await signOffThread(Buffer.from(signedText, 'latin1'), key),
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
