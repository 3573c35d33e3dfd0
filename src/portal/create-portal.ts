import Router from '@koa/router'
import type { PortalServices } from '../broker/index.ts'
import type { Log } from '../lib/index.ts'
import { serveAssets } from './assets.ts'
import { addConsoleRoutes } from './console-routes.ts'
import { answerFailures } from './failures.ts'
import { pageHeaders } from './headers.ts'
import { addSignInRoutes } from './sign-in-routes.ts'

export interface PortalOptions {
  services: PortalServices
  log: Log
}

/** What `app.use()` takes. */
export type Portal = ReturnType<Router['routes']>

/**
 * The portal as koa middleware: it answers `/`, `/sign-in`, `/sign-out`, `/console` and `/assets/…`
 * and hands every other path on untouched. The app around it must speak HTTPS (session cookies are
 * Secure) and must not parse form bodies itself.
 */
export function createPortal(options: PortalOptions): Portal {
  const { services, log } = options
  const router = new Router()
  router.use(pageHeaders)
  const asset = serveAssets(router)
  router.use(answerFailures({ asset, log }))
  addSignInRoutes(router, { asset, services })
  addConsoleRoutes(router, { asset, services })
  return router.routes()
}
