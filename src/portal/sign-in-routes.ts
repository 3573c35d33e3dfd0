import type Router from '@koa/router'
import type { Context } from 'koa'
import type { PortalServices, SignInResult } from '../broker/index.ts'
import { readSessionCookie } from '../lib/index.ts'
import type { AssetUrl } from './assets.ts'
import {
  clearSessionCookie,
  ensureSignInCookie,
  readSignInCookie,
  writeSessionCookie,
} from './cookies.ts'
import { parseForm, readForm, requireForm, signInForm, signOutForm } from './form.ts'
import { requireFormToken, requireOwnOrigin } from './origin.ts'
import { seeOther, sendPage } from './send.ts'
import { findSession, remoteAddress } from './session.ts'
import { renderSignInPage, type SignInProblem } from './sign-in-page.ts'
import { formatWait, wordsFor } from './words.ts'

export interface SignInOptions {
  asset: AssetUrl
  services: PortalServices
}

/** GET and POST /sign-in, POST /sign-out. */
export function addSignInRoutes(router: Router, { asset, services }: SignInOptions): void {
  router.get('/sign-in', async (ctx) => {
    if ((await findSession(ctx, services)) !== undefined) return seeOther(ctx, '/')
    const notice = ctx.query.after === 'sign-out' ? 'You are signed out.' : undefined
    sendPage(ctx, renderSignInPage({ asset, csrfToken: ensureSignInCookie(ctx), notice }))
  })

  router.post('/sign-in', requireOwnOrigin, readForm, async (ctx) => {
    const form = parseForm(ctx, signInForm)
    if (form === undefined) {
      const problem = { text: 'Enter your user name and your password.' }
      return refuse(ctx, { status: 400, problem })
    }
    requireFormToken(form.csrf, readSignInCookie(ctx))
    const { user, password } = form
    const result = await services.signIn({ user, password, remoteAddress: remoteAddress(ctx) })
    if (!result.ok) return refuse(ctx, { ...explain(ctx, result), user })
    await endSession(ctx)
    writeSessionCookie(ctx, result.sessionToken)
    seeOther(ctx, '/')
  })

  router.post('/sign-out', requireOwnOrigin, readForm, async (ctx) => {
    const form = requireForm(ctx, signOutForm)
    const session = await findSession(ctx, services)
    if (session !== undefined) {
      requireFormToken(form.csrf, session.csrfToken)
      await endSession(ctx)
    }
    clearSessionCookie(ctx)
    seeOther(ctx, '/sign-in?after=sign-out')
  })

  // Where a reload or a restored tab may lead after a POST.
  router.get('/sign-out', (ctx) => seeOther(ctx, '/'))

  function refuse(ctx: Context, { status, problem, user }: SignInRefusal): void {
    const csrfToken = ensureSignInCookie(ctx)
    sendPage(ctx, renderSignInPage({ asset, csrfToken, problem, user }), status)
  }

  /** The one that the browser came with. */
  async function endSession(ctx: Context): Promise<void> {
    const token = readSessionCookie(ctx.cookies)
    if (token !== undefined) await services.signOut(token)
  }
}

interface SignInRefusal {
  status: number
  problem: SignInProblem
  user?: string
}

function explain(ctx: Context, result: SignInResult & { ok: false }): SignInRefusal {
  const { code, ref, retryAfterSeconds = 60 } = result
  if (code === 'unauthorized') {
    return { status: 401, problem: { text: wordsFor(code).sentence, ref } }
  }
  ctx.set('Retry-After', String(retryAfterSeconds))
  const text = `Too many sign-ins were tried. Try again in ${formatWait(retryAfterSeconds)}.`
  return { status: 429, problem: { text, ref } }
}
