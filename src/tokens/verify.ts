import { Refusal, type Secret } from '../lib/index.ts'
import { type Algorithm, isKnownAlgorithm } from './algorithms.ts'
import { parseClaims } from './claims.ts'
import { isInside } from './client-address.ts'
import { decodeCompactJws, type JwsFormat, type JwsHeader } from './compact-jws.ts'
import { looksLikeFedAuth } from './fedauth-token.ts'
import { GATEWAY_TOKEN, type GatewayClaims, LAB_TOKEN } from './gateway-token.ts'
import { HOST_TOKEN, type HostClaims } from './host-token.ts'
import { isSignedBy, type SignedPart } from './jws-signature.ts'
import type { TrustedIssuer } from './trust-list.ts'
import {
  type Circumstances,
  checkExpiry,
  checkIssuer,
  checkStart,
  refuseSignature,
  type Verified,
} from './verify-steps.ts'

export interface VerifyOptions extends Circumstances {
  /** Farm name of the verifier; compared in lower case. */
  audience: string
  /** The client's own address, after a PROXY header. A token with `cip` is refused when it is absent. */
  clientAddress?: string
}

export interface VerifiedToken extends Verified<GatewayClaims> {
  /** A native token names its VM; see `VerifiedFedAuthToken` for the other kind. */
  vmUnbound?: false
}

export interface VerifyHostOptions extends Circumstances {
  /** Id of the verifier's host. */
  audience: string
  /** The GUID in the preconnection blob that carried the token. */
  vmGuid: string
}

export type VerifiedHostToken = Verified<HostClaims>

/**
 * Verifies a gateway token in a fixed order, and the first failing check gives the reason: form,
 * algorithm, issuer, signature, times, audience, client binding.
 *
 * @throws Refusal; to the client all its reasons look alike
 */
export function verifyGatewayToken(token: Secret, options: VerifyOptions): Promise<VerifiedToken> {
  return verifyJws(token, GATEWAY_TOKEN, options, (claims) => checkGatewayUse(claims, options))
}

/** As {@link verifyGatewayToken}, of an issuer that is trusted for purpose `lab`. @throws Refusal */
export function verifyLabToken(token: Secret, options: VerifyOptions): Promise<VerifiedToken> {
  return verifyJws(token, LAB_TOKEN, options, (claims) => checkGatewayUse(claims, options))
}

/**
 * Verifies a host token as {@link verifyGatewayToken} does its own; audience is the host, and the last
 * check is that the token is about the VM which the preconnection blob asks for.
 *
 * @throws Refusal; `vm-mismatch` among others
 */
export function verifyHostToken(
  token: Secret,
  options: VerifyHostOptions,
): Promise<VerifiedHostToken> {
  return verifyJws(token, HOST_TOKEN, options, (claims) => {
    checkAudience(claims, options.audience)
    checkVm(claims, options)
  })
}

/**
 * Verifies a host token of whichever host and VM: for a broker, which keeps the redeems of all of them.
 * That `aud` is the host of who presented it is left to the caller.
 *
 * @throws Refusal
 */
export function verifyAnyHostToken(
  token: Secret,
  options: Circumstances,
): Promise<VerifiedHostToken> {
  return verifyJws(token, HOST_TOKEN, options, () => {})
}

/**
 * The order that all compact JWS formats share.
 *
 * @param checkUse who may use the token here; an expired one that fails it counts as expired
 */
async function verifyJws<Claims extends GatewayClaims | HostClaims>(
  token: Secret,
  format: JwsFormat<Claims>,
  options: Circumstances,
  checkUse: (claims: Claims) => void,
): Promise<Verified<Claims>> {
  const text = token.reveal()
  if (looksLikeFedAuth(text)) {
    throw new Refusal('token-malformed', 'token: FedAuth, which is not accepted here')
  }
  const { header, payload, ...signed } = decodeCompactJws(text, format.typ)
  const claims = parseClaims(format.claims, payload)
  const { issuer, algorithm } = findIssuer(header, format, options)
  checkSignature(issuer, algorithm, signed)
  checkStart(Math.max(claims.iat, claims.nbf), options)
  const expired = checkExpiry(claims, options)
  try {
    checkUse(claims)
  } catch (error) {
    throw expired?.refusal ?? error
  }
  return {
    claims,
    issuerThumbprint: issuer.certificate.sha256Thumbprint,
    expiredBySeconds: expired?.bySeconds ?? 0,
  }
}

function findIssuer(
  { alg, 'x5t#S256': thumbprint }: JwsHeader,
  { purpose }: JwsFormat<unknown>,
  { trust, nowMs }: Circumstances,
): { issuer: TrustedIssuer; algorithm: Algorithm } {
  if (!isKnownAlgorithm(alg)) throw new Refusal('algorithm-refused', `alg: ${alg} is not accepted`)
  const issuer = trust.find(thumbprint, purpose)
  if (issuer === undefined) {
    throw new Refusal('issuer-unknown', `x5t#S256: ${thumbprint} is not trusted for ${purpose}s`)
  }
  checkIssuer(issuer, alg, nowMs)
  return { issuer, algorithm: alg }
}

function checkSignature(issuer: TrustedIssuer, algorithm: Algorithm, signed: SignedPart): void {
  let isGood: boolean
  try {
    isGood = isSignedBy(issuer.certificate.publicKey, algorithm, signed)
  } catch (error) {
    refuseSignature(issuer, error)
  }
  if (!isGood) refuseSignature(issuer)
}

function checkGatewayUse(claims: GatewayClaims, options: VerifyOptions): void {
  checkAudience(claims, options.audience.toLowerCase())
  checkClient(claims, options)
}

function checkAudience({ aud }: { aud: string }, audience: string): void {
  if (aud !== audience) {
    throw new Refusal('audience-mismatch', `aud: need ${audience}, have ${aud}`)
  }
}

function checkClient({ cip }: GatewayClaims, { clientAddress }: VerifyOptions): void {
  if (cip === undefined) return
  if (clientAddress === undefined || !isInside(clientAddress, cip)) {
    throw new Refusal('client-mismatch', `cip: need ${cip}, have ${clientAddress ?? 'no address'}`)
  }
}

function checkVm({ vmg }: HostClaims, { vmGuid }: VerifyHostOptions): void {
  if (vmg.toLowerCase() !== vmGuid.toLowerCase()) {
    throw new Refusal('vm-mismatch', `vmg: token names ${vmg}, preconnection blob ${vmGuid}`)
  }
}
