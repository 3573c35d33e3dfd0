import type { Context } from 'koa'
import { type FailurePageOptions, renderFailurePage } from './failure-page.ts'

export function sendPage(ctx: Context, page: string, status = 200): void {
  ctx.status = status
  ctx.type = 'html'
  ctx.body = page
}

/** The page for a failure, with the HTTP status that the failure names. */
export function sendFailure(ctx: Context, options: FailurePageOptions): void {
  const { status, retryAfterSeconds } = options.failure
  if (retryAfterSeconds !== undefined) ctx.set('Retry-After', String(retryAfterSeconds))
  sendPage(ctx, renderFailurePage(options), status)
}

/** 303: the browser goes on with GET, and a reload repeats nothing. */
export function seeOther(ctx: Context, path: string): void {
  ctx.status = 303
  ctx.redirect(path)
}
