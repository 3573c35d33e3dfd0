import { createHash, timingSafeEqual } from 'node:crypto'
import type { Context, Next } from 'koa'
import { assertOwnOrigin, Refusal } from '../lib/index.ts'

/** Refuses a POST that another site's page made the browser send, before its body is read. @throws Refusal `origin-refused` */
export async function requireOwnOrigin(ctx: Context, next: Next): Promise<void> {
  assertOwnOrigin((name) => ctx.get(name))
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
