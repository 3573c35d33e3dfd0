import { constants, type KeyObject, verify } from 'node:crypto'
import { promisify } from 'node:util'
import { Refusal, type Secret } from '../lib/index.ts'
import { MAX_LIFETIME_SECONDS } from './claims.ts'
import {
  decodeFedAuthToken,
  FEDAUTH_HASHES,
  type FedAuthClaims,
  type FedAuthParts,
  fedAuthId,
  looksLikeFedAuth,
  parseFedAuthClaims,
} from './fedauth-token.ts'
import type { GatewayClaims } from './gateway-token.ts'
import type { TrustedIssuer } from './trust-list.ts'
import { type VerifiedToken, type VerifyOptions, verifyGatewayToken } from './verify.ts'
import {
  type Circumstances,
  checkExpiry,
  checkIssuer,
  checkStart,
  refuseSignature,
  type Verified,
} from './verify-steps.ts'

/**
 * What a FedAuth token allows, in the words of {@link GatewayClaims}. All that the format cannot say is
 * absent; `jti` and `iat` are not in the token but follow from it.
 */
export type FedAuthGrant = FedAuthClaims & {
  /** {@link fedAuthId}. */
  jti: string
  /** The earliest second in which a token with this expiry can have been signed. */
  iat: number
  /** The format is for these hosts only. */
  knd: 'hyperv'
} & {
  [Claim in Exclude<keyof GatewayClaims, 'dst' | 'exp' | 'jti' | 'iat' | 'knd'>]?: undefined
}

export interface VerifiedFedAuthToken extends Verified<FedAuthGrant> {
  /** It names no VM, so only a host that verifies a token of its own may be reached with it. */
  vmUnbound: true
}

/** A gateway token of either format; `vmUnbound` tells them apart. */
export type AnyVerifiedToken = VerifiedToken | VerifiedFedAuthToken

/**
 * Verifies a gateway token of either format, by its looks.
 *
 * @throws Refusal
 */
export function verifyAnyGatewayToken(
  token: Secret,
  options: VerifyOptions,
): Promise<AnyVerifiedToken> {
  return looksLikeFedAuth(token.reveal())
    ? verifyFedAuthToken(token, options)
    : verifyGatewayToken(token, options)
}

/**
 * Verifies a FedAuth token: form, hash, issuer, signature, and only then what is signed: claims, times.
 *
 * The format has no time of issue. One that expires later than a token may live was signed in the
 * future or for too long; both are refused.
 *
 * @throws Refusal
 */
export async function verifyFedAuthToken(
  token: Secret,
  options: Circumstances,
): Promise<VerifiedFedAuthToken> {
  const parts = decodeFedAuthToken(token.reveal())
  const issuer = findIssuer(parts, options)
  if (!(await isSignedBy(issuer.certificate.publicKey, parts))) refuseSignature(issuer)
  const claims = parseFedAuthClaims(parts.signedText)
  const iat = claims.exp - MAX_LIFETIME_SECONDS
  checkStart(iat, options)
  const expired = checkExpiry(claims, options)
  return {
    vmUnbound: true,
    claims: { ...claims, jti: fedAuthId(parts.signedText), iat, knd: 'hyperv' },
    issuerThumbprint: issuer.certificate.sha256Thumbprint,
    expiredBySeconds: expired?.bySeconds ?? 0,
  }
}

function findIssuer(
  { hash, sha1Thumbprint }: FedAuthParts,
  { trust, nowMs }: Circumstances,
): TrustedIssuer {
  const issuer = trust.issuers.find(
    ({ certificate, purpose }) =>
      purpose === 'gateway' && certificate.sha1Thumbprint === sha1Thumbprint,
  )
  if (issuer === undefined) {
    throw new Refusal('issuer-unknown', `thumbprint: ${sha1Thumbprint} is not trusted for gateways`)
  }
  checkIssuer(issuer, hash === 'SHA256' ? 'RS256' : 'RS512', nowMs)
  return issuer
}

const verifyOffThread = promisify(
  (
    hash: string,
    data: Buffer,
    key: Parameters<typeof verify>[2],
    signature: Buffer,
    done: (error: Error | null, result: boolean) => void,
  ) => verify(hash, data, key, signature, done),
)

/** PKCS#1 v1.5 as everybody mints today, or PSS as one revision of Microsoft's sample did. */
async function isSignedBy(key: KeyObject, parts: FedAuthParts): Promise<boolean> {
  const hash = FEDAUTH_HASHES[parts.hash]
  const data = Buffer.from(parts.signedText, 'latin1')
  for (const padding of [
    { padding: constants.RSA_PKCS1_PADDING },
    {
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    },
  ]) {
    if (await verifyOffThread(hash, data, { key, ...padding }, parts.signature)) return true
  }
  return false
}
