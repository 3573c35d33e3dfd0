import { Secret } from './secret.ts'

/**
 * `__Host-`: browsers keep the cookie only when it is Secure, has path `/` and names no domain, so
 * no sibling host can plant one (RFC 6265bis section 4.1.3.2).
 */
export const SESSION_COOKIE = '__Host-portcullis'

/** Longer than any value that broker or portal make; anything else is not ours. */
const COOKIE_VALUE = /^[A-Za-z0-9_-]{16,200}$/

export interface Cookies {
  get(name: string): string | undefined
}

export function readCookie(cookies: Cookies, name: string): string | undefined {
  const value = cookies.get(name)
  return value !== undefined && COOKIE_VALUE.test(value) ? value : undefined
}

/** The session that the browser claims to have. */
export function readSessionCookie(cookies: Cookies): Secret | undefined {
  const value = readCookie(cookies, SESSION_COOKIE)
  return value === undefined ? undefined : new Secret(value)
}
