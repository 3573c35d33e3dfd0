import type { Secret } from '../lib/index.ts'
import type { GatewayClaims, Issuer } from '../tokens/index.ts'
import { ApiError } from './errors.ts'

export const TOKEN_FORMATS = ['native', 'fedauth'] as const
export type TokenFormat = (typeof TOKEN_FORMATS)[number]

export interface MintedToken {
  gatewayToken: Secret
  jti: string
  /** Unix seconds. */
  exp: number
}

export interface GatewayTokenMint {
  /** @throws ApiError `policy-denied` for what the format cannot say, `rate-limited` */
  mint(issuer: Issuer, claims: GatewayClaims, format: TokenFormat): Promise<MintedToken>
}

/**
 * Mints gateway tokens in either format.
 *
 * A FedAuth token is its host and its expiry and nothing else, so the second one for a host in the same
 * second would be the first one again, and be refused as redeemed by somebody else. It expires one second
 * earlier instead.
 *
 * @param minLifetimeSeconds a token that would have to live shorter is not minted
 */
export function createGatewayTokenMint(minLifetimeSeconds: number): GatewayTokenMint {
  const taken = new Map<string, number>()

  const takeExpiry = ({ dst, iat, exp }: GatewayClaims): number => {
    for (const [token, expiry] of taken) {
      if (expiry < iat) taken.delete(token)
    }
    for (let expiry = exp; expiry >= iat + minLifetimeSeconds; expiry -= 1) {
      const token = `${dst} ${expiry}`
      if (taken.has(token)) continue
      taken.set(token, expiry)
      return expiry
    }
    throw new ApiError('rate-limited', 'Too many FedAuth tokens for the host of this machine.', {
      headers: { 'Retry-After': '1' },
    })
  }

  return {
    async mint(issuer, claims, format) {
      if (format === 'native') {
        return { gatewayToken: await issuer.sign(claims), jti: claims.jti, exp: claims.exp }
      }
      const signFedAuth = fedAuthSigner(issuer, claims)
      const exp = takeExpiry(claims)
      const { token, jti } = await signFedAuth({ dst: claims.dst, exp })
      return { gatewayToken: token, jti, exp }
    },
  }
}

function fedAuthSigner(
  { signFedAuth }: Issuer,
  { knd, cip }: GatewayClaims,
): NonNullable<Issuer['signFedAuth']> {
  if (knd !== 'hyperv') throw denied('only hosts of kind hyperv take FedAuth tokens')
  if (cip !== undefined) throw denied('a FedAuth token cannot be bound to a client address')
  if (signFedAuth === undefined) throw denied('the issuer of this broker has no RSA key')
  return signFedAuth
}

function denied(message: string): ApiError {
  return new ApiError('policy-denied', `tokenFormat: ${message}.`, {
    errors: [{ field: 'tokenFormat', message }],
  })
}
