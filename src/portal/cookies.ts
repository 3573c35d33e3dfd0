import { randomBytes } from 'node:crypto'
import type { Context } from 'koa'
import { readCookie, SESSION_COOKIE, type Secret } from '../lib/index.ts'

const SIGN_IN_COOKIE = '__Host-portcullis-sign-in'

/**
 * SameSite Lax and not Strict: a link in a mail or a control panel then finds the tenant signed in.
 * Strict would add nothing, since a GET changes nothing and every POST needs the portal's own origin
 * and the session's token. Without an expiry it ends with the browser; the broker's end comes first.
 */
export function writeSessionCookie(ctx: Context, sessionToken: Secret): void {
  writeCookie(ctx, SESSION_COOKIE, sessionToken.reveal())
}

export function clearSessionCookie(ctx: Context): void {
  writeCookie(ctx, SESSION_COOKIE, null)
}

export function readSignInCookie(ctx: Context): string | undefined {
  return readCookie(ctx.cookies, SIGN_IN_COOKIE)
}

/**
 * The token that the sign-in form repeats, since there is no session yet that could hold one: a
 * page elsewhere can send the form but knows neither this value nor how to set it. An older one is
 * kept, so that two open sign-in pages both work.
 */
export function ensureSignInCookie(ctx: Context): string {
  const present = readSignInCookie(ctx)
  if (present !== undefined) return present
  const token = randomBytes(16).toString('base64url')
  writeCookie(ctx, SIGN_IN_COOKIE, token)
  return token
}

function writeCookie(ctx: Context, name: string, value: string | null): void {
  // Browsers reject `__Host-` cookies over plain HTTP themselves; a proxy that ends TLS is no reason
  // for the library to throw.
  ctx.cookies.secure = true
  ctx.cookies.set(name, value, {
    httpOnly: true,
    secure: true,
    sameSite: 'lax',
    path: '/',
    overwrite: true,
  })
}
