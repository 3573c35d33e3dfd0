import type { Secret } from '../lib/index.ts'
import { identifier } from './claims.ts'
import { decodeJson, MAX_COOKIE_CHARACTERS } from './compact-jws.ts'
import { decodeFedAuthToken, fedAuthId, looksLikeFedAuth } from './fedauth-token.ts'

/**
 * What a refused token calls itself, so that support finds the grant that it is, or pretends to be. Nothing
 * is verified: whoever presents it may have written that.
 *
 * @returns undefined when it says nothing that can be read
 */
export function claimedJti(token: Secret): string | undefined {
  if (token.length > MAX_COOKIE_CHARACTERS) return undefined
  try {
    const text = token.reveal()
    if (looksLikeFedAuth(text)) return fedAuthId(decodeFedAuthToken(text).signedText)
    const claims = decodeJson('payload', text.split('.', 2)[1] ?? '')
    if (typeof claims !== 'object' || claims === null || !('jti' in claims)) return undefined
    return identifier.safeParse(claims.jti).data
  } catch {
    return undefined
  }
}
