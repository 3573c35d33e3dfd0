import type { Context, Middleware } from 'koa'
import { assertOwnOrigin, Refusal, readSessionCookie } from '../lib/index.ts'
import { addressKey } from './attempt-limit.ts'
import { subjectOf } from './audit/audited-route.ts'
import type { TalliedEntry, Tally } from './audit/tally.ts'
import type { Authenticator, Credentials } from './authenticate.ts'
import { ApiError, toApiError } from './errors.ts'
import { type Caller, has, type Right, rolesWith } from './rights.ts'
import type { Route } from './route.ts'

export interface AdmitOptions {
  authenticator: Authenticator
  /** Who is not let in leaves a record. */
  tally: Pick<Tally, 'refused'>
}

/** Methods that change nothing (RFC 9110 section 9.2.1), which a link may ask for. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/** Lets those pass who are known, and may; `ctx.state.caller` is who asks, `isWelcome` whether they still would pass. */
export function admitCaller(
  { path, operation }: Route,
  right: Right,
  { authenticator, tally }: AdmitOptions,
): Middleware {
  return async (ctx, next) => {
    const credentials = credentialsOf(ctx)
    const caller = await authenticator.authenticate(credentials, ctx.ip).catch((error) => {
      if (error instanceof ApiError) tally.refused(ofStranger(ctx, error))
      throw error
    })
    ctx.state.caller = caller
    try {
      if (caller.user !== undefined) assertOwnPage(ctx)
      assertHas(caller, right)
    } catch (thrown) {
      const error = toApiError(thrown)
      const { problem: outcome, ref } = error
      const action = operation.operationId ?? path
      const id: unknown = ctx.params.id
      const subject = typeof id === 'string' ? subjectOf(path, id) : path
      tally.refused({ actor: caller.name, action, subject, pattern: path, outcome, ref })
      throw error
    }
    ctx.state.isWelcome = async () => {
      const known = await authenticator.recognize(credentials)
      return known !== undefined && has(known, right)
    }
    await next()
  }
}

function credentialsOf(ctx: Context): Credentials {
  const authorization = ctx.get('authorization') || undefined
  return { authorization, sessionToken: readSessionCookie(ctx.cookies) }
}

/** What is asked for without a key is a stranger's text. */
function ofStranger({ ip }: Context, { problem: outcome, ref }: ApiError): TalliedEntry {
  const actor = `address:${addressKey(ip)}`
  return { actor, action: 'authenticate', subject: '/v1', outcome, ref }
}

/**
 * Browsers send cookies with what other sites' pages ask for as well. Unlike a form, every request that a script can make
 * and that changes something carries its `Origin`, so one without is refused too.
 *
 * @throws Refusal `origin-refused`
 */
function assertOwnPage(ctx: Context): void {
  if (SAFE.has(ctx.method)) return
  if (ctx.get('origin') === '') {
    throw new Refusal('origin-refused', 'origin: needed with a session, have none')
  }
  assertOwnOrigin((name) => ctx.get(name))
}

/** @throws ApiError `forbidden` */
function assertHas(caller: Caller, right: Right): void {
  if (has(caller, right)) return
  const roles = rolesWith(right).join(', ')
  throw new ApiError('forbidden', `This takes a key or a user with one of these roles: ${roles}.`)
}
