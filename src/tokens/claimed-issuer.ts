import type { Secret } from '../lib/index.ts'
import { decodeJson, MAX_COOKIE_CHARACTERS } from './compact-jws.ts'

/**
 * Which issuer a token names, so that it is held against the list that is meant. Nothing is verified.
 *
 * @returns header parameter `x5t#S256`; undefined when there is none that can be read, and for FedAuth
 */
export function claimedIssuer(token: Secret): string | undefined {
  if (token.length > MAX_COOKIE_CHARACTERS) return undefined
  try {
    const header = decodeJson('header', token.reveal().split('.', 1)[0] ?? '')
    if (typeof header !== 'object' || header === null || !('x5t#S256' in header)) return undefined
    const { 'x5t#S256': thumbprint } = header
    return typeof thumbprint === 'string' ? thumbprint : undefined
  } catch {
    return undefined
  }
}
