import Router from '@koa/router'
import type { Context } from 'koa'
import type { PortalServices } from '../broker/index.ts'
import type { Clock, Log } from '../lib/index.ts'
import { serveAssets } from './assets.ts'
import { addConsoleRoutes } from './console-routes.ts'
import { answerFailures, NoSuchPage } from './failures.ts'
import { pageHeaders } from './headers.ts'
import { addSignInRoutes } from './sign-in-routes.ts'

export interface PortalOptions {
  services: PortalServices
  clock: Clock
  log: Log
}

/** What `app.use()` takes. */
export type Portal = (...request: Parameters<ReturnType<Router['routes']>>) => Promise<unknown>

/**
 * The portal as koa middleware: it answers `/`, `/sign-in`, `/sign-out`, `/console` and `/assets/…`, and a browser
 * that looks for a page where there is none; it hands every other path on untouched. The app around it must speak HTTPS (session cookies are
 * Secure) and must not parse form bodies itself.
 */
export function createPortal(options: PortalOptions): Portal {
  const { services, clock, log } = options
  const router = new Router()
  router.use(pageHeaders)
  const asset = serveAssets(router)
  const failures = answerFailures({ asset, clock, log })
  router.use(failures)
  addSignInRoutes(router, { asset, services })
  addConsoleRoutes(router, { asset, services })
  const routes = router.routes()
  const nowhere = (ctx: Context) => pageHeaders(ctx, () => failures(ctx, noSuchPage))
  return (ctx, next) => routes(ctx, () => (wantsPage(ctx) ? nowhere(ctx) : next()))
}

/** Programs, and whoever asks the API, are answered by the app around the portal. */
function wantsPage(ctx: Context): boolean {
  const isRead = ctx.method === 'GET' || ctx.method === 'HEAD'
  const isOfApi = ctx.path === '/v1' || ctx.path.startsWith('/v1/')
  return isRead && !isOfApi && ctx.accepts('application/json', 'text/html') === 'text/html'
}

async function noSuchPage(): Promise<never> {
  throw new NoSuchPage()
}
