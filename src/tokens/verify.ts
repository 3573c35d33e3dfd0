import { compactVerify } from 'jose'
import { Refusal, type Secret } from '../lib/index.ts'
import { isKnownAlgorithm } from './algorithms.ts'
import { parseClaims } from './claims.ts'
import { isInside } from './client-address.ts'
import { decodeCompactJws, type JwsFormat, type JwsHeader } from './compact-jws.ts'
import { looksLikeFedAuth } from './fedauth-token.ts'
import { GATEWAY_TOKEN, type GatewayClaims } from './gateway-token.ts'
import { HOST_TOKEN, type HostClaims } from './host-token.ts'
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
  return verifyJws(token, GATEWAY_TOKEN, options, (claims) => {
    checkAudience(claims, options.audience.toLowerCase())
    checkClient(claims, options)
  })
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
 * The order that all compact JWS formats share.
 *
 * jose checks the signature, with the issuer's `KeyObject`, which it imports once. Measured on Node 24
 * with 16 in flight, ES256: jose 122 µs of CPU of which 55 on the main thread, `crypto.verify` 104 µs,
 * all on the main thread. A flood of bad tokens must not stall running consoles, so the loop's time
 * counts more than 17 µs.
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
  const { header, payload } = decodeCompactJws(text, format.typ)
  const claims = parseClaims(format.claims, payload)
  const issuer = findIssuer(header, format, options)
  await checkSignature(text, header, issuer)
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
): TrustedIssuer {
  if (!isKnownAlgorithm(alg)) throw new Refusal('algorithm-refused', `alg: ${alg} is not accepted`)
  const issuer = trust.find(thumbprint, purpose)
  if (issuer === undefined) {
    throw new Refusal('issuer-unknown', `x5t#S256: ${thumbprint} is not trusted for ${purpose}s`)
  }
  checkIssuer(issuer, alg, nowMs)
  return issuer
}

async function checkSignature(
  text: string,
  { alg }: JwsHeader,
  issuer: TrustedIssuer,
): Promise<void> {
  try {
    await compactVerify(text, issuer.certificate.publicKey, { algorithms: [alg] })
  } catch (error) {
    refuseSignature(issuer, error)
  }
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
