import type Router from '@koa/router'
import type { Context } from 'koa'
import type { OpenConsoleResult, PortalServices } from '../broker/index.ts'
import { renderAccountPage } from './account-page.ts'
import type { AssetUrl } from './assets.ts'
import { ensureSignInCookie } from './cookies.ts'
import { consoleForm, readForm, requireForm } from './form.ts'
import { renderMachinesPage } from './machines-page.ts'
import { requireFormToken, requireOwnOrigin } from './origin.ts'
import { seeOther, sendFailure, sendPage } from './send.ts'
import { findSession, remoteAddress } from './session.ts'
import { renderSignInPage } from './sign-in-page.ts'

export interface ConsoleOptions {
  asset: AssetUrl
  services: PortalServices
}

/** GET /: the tenant's machines, or what somebody of the provider may. POST /console: one machine's file, or a page that says why not. */
export function addConsoleRoutes(router: Router, options: ConsoleOptions): void {
  const { asset, services } = options

  router.get('/', async (ctx) => {
    const session = await findSession(ctx, services)
    if (session === undefined) return seeOther(ctx, '/sign-in')
    const { tenant } = session
    if (tenant === undefined) return sendPage(ctx, renderAccountPage({ asset, session }))
    const vms = await services.listVms(session)
    sendPage(ctx, renderMachinesPage({ asset, session, tenant, vms }))
  })

  router.post('/console', requireOwnOrigin, readForm, async (ctx) => {
    const form = requireForm(ctx, consoleForm)
    const session = await findSession(ctx, services)
    if (session === undefined) return askToSignIn(ctx)
    requireFormToken(form.csrf, session.csrfToken)
    const clientAddress = remoteAddress(ctx)
    const result = await services.openConsole(session, { vm: form.vm, clientAddress })
    if (!result.ok) return sendFailure(ctx, { asset, session, failure: result })
    sendFile(ctx, result)
  })

  // Where a reload or a restored tab may lead after a failure.
  router.get('/console', (ctx) => seeOther(ctx, '/'))

  function askToSignIn(ctx: Context): void {
    const notice = 'Your session has ended. Sign in again, then press Console once more.'
    sendPage(ctx, renderSignInPage({ asset, csrfToken: ensureSignInCookie(ctx), notice }), 401)
  }
}

/** The file as a download: never shown, never stored by a cache, since it carries the token. */
function sendFile(ctx: Context, { fileName, rdp, sent }: OpenConsoleResult & { ok: true }): void {
  ctx.res.once('finish', sent)
  ctx.type = 'application/x-rdp'
  ctx.attachment(fileName)
  ctx.body = Buffer.from(rdp)
}
