import type { Secret } from '../lib/index.ts'
import {
  type GatewayClaims,
  type Issuer,
  MAX_TOKEN_CHARACTERS,
  TokenTooLong,
} from '../tokens/index.ts'
import { ApiError } from './errors.ts'

export const TOKEN_FORMATS = ['native', 'fedauth'] as const
export type TokenFormat = (typeof TOKEN_FORMATS)[number]

export interface MintedToken {
  gatewayToken: Secret
  jti: string
  /** Unix seconds. */
  exp: number
}

export interface MintTerms {
  tokenFormat: TokenFormat
  /** A token that would have to live shorter is not minted. */
  minLifetimeSeconds: number
}

export interface GatewayTokenMint {
  /**
   * @throws ApiError `policy-denied` for what the format cannot say, `validation-failed` for what is too long
   *   for a token, `rate-limited`
   */
  mint(issuer: Issuer, claims: GatewayClaims, terms: MintTerms): Promise<MintedToken>
}

/**
 * Mints gateway tokens in either format.
 *
 * A FedAuth token is its host and its expiry and nothing else, so the second one for a host in the same
 * second would be the first one again, and be refused as redeemed by somebody else. It expires one second
 * earlier instead.
 */
export function createGatewayTokenMint(): GatewayTokenMint {
  const taken = new Map<string, number>()

  const takeExpiry = ({ dst, iat, exp }: GatewayClaims, minLifetimeSeconds: number): number => {
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
      retryAfterSeconds: 1,
    })
  }

  return {
    async mint(issuer, claims, { tokenFormat, minLifetimeSeconds }) {
      if (tokenFormat === 'native') {
        const gatewayToken = await issuer.sign(claims).catch((error: unknown) => {
          throw error instanceof TokenTooLong ? tooLong(error, claims) : error
        })
        return { gatewayToken, jti: claims.jti, exp: claims.exp }
      }
      const signFedAuth = fedAuthSigner(issuer, claims)
      const exp = takeExpiry(claims, minLifetimeSeconds)
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

/** The field that can make it short enough: the caller's own name for its user, or else the machine's record. */
function tooLong(error: TokenTooLong, { sub, dst }: GatewayClaims): ApiError {
  const excess = error.characters - MAX_TOKEN_CHARACTERS
  // A token carries three bytes in four characters.
  const excessBytes = Math.ceil((excess * 3) / 4)
  const bytes = Buffer.byteLength(sub)
  const [field, message] =
    excessBytes < bytes
      ? [
          'user',
          `need at most ${bytes - excessBytes} bytes of UTF-8 for this machine, have ${bytes}`,
        ]
      : ['vm', `its address makes the token ${excess} characters too long: ${dst}`]
  return new ApiError('validation-failed', `${field}: ${message}.`, {
    errors: [{ field, message }],
    cause: error,
  })
}

function denied(message: string): ApiError {
  return new ApiError('policy-denied', `tokenFormat: ${message}.`, {
    errors: [{ field: 'tokenFormat', message }],
  })
}
