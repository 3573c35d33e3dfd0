import { createHash, timingSafeEqual } from 'node:crypto'
import type { Context, Next } from 'koa'
import { Refusal } from '../lib/index.ts'

/**
 * Refuses a POST that another site's page made the browser send. Two witnesses that scripts cannot
 * forge: `Origin` must be ours, and `Sec-Fetch-Site` must be `same-origin`. A browser old enough to
 * leave one out is judged by the other; a request with neither is no form of ours. The scheme is
 * always https, because the session cookie exists nowhere else.
 *
 * @throws Refusal `origin-refused`, before the body is read
 */
export async function requireOwnOrigin(ctx: Context, next: Next): Promise<void> {
  const origin = ctx.get('origin')
  const site = ctx.get('sec-fetch-site')
  if (site !== '' && site !== 'same-origin') {
    throw new Refusal('origin-refused', `sec-fetch-site: need same-origin, have ${shorten(site)}`)
  }
  const own = `https://${ctx.get('host').toLowerCase()}`
  if (origin !== '' && origin !== own) {
    throw new Refusal('origin-refused', `origin: need ${shorten(own)}, have ${shorten(origin)}`)
  }
  if (origin === '' && site === '') {
    throw new Refusal('origin-refused', 'origin: need one, have neither origin nor sec-fetch-site')
  }
  await next()
}

/**
 * The synchronizer token: a form sends back what the page was given.
 *
 * @throws Refusal `origin-refused` when it is absent or another one
 */
export function requireFormToken(given: string, expected: string | undefined): void {
  if (expected === undefined || !equalTexts(given, expected)) {
    throw new Refusal('origin-refused', 'csrf: the form carries another token than its session')
  }
}

/** In constant time, whatever the lengths. */
function equalTexts(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}

/** For the log: a peer's text is not worth more than a line. */
function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
