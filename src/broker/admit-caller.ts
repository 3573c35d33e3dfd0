import type { Context, Middleware } from 'koa'
import { addressKey } from './attempt-limit.ts'
import type { TalliedEntry, Tally } from './audit/tally.ts'
import type { Authenticator, Credentials } from './authenticate.ts'
import { ApiError } from './errors.ts'
import { has, type Right, rolesWith } from './rights.ts'
import type { Route } from './route.ts'

export interface AdmitOptions {
  authenticator: Authenticator
  /** Who is not let in leaves a record. */
  tally: Pick<Tally, 'refused'>
}

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
    ctx.state.isWelcome = async () => {
      const known = await authenticator.recognize(credentials)
      return known !== undefined && has(known, right)
    }
    if (!has(caller, right)) {
      const error = forbidden(right)
      const { problem: outcome, ref } = error
      const action = operation.operationId ?? path
      tally.refused({ actor: caller.name, action, subject: path, outcome, ref })
      throw error
    }
    await next()
  }
}

function credentialsOf(ctx: Context): Credentials {
  return { authorization: ctx.get('authorization') || undefined }
}

/** What is asked for without a key is a stranger's text. */
function ofStranger({ ip }: Context, { problem: outcome, ref }: ApiError): TalliedEntry {
  const actor = `address:${addressKey(ip)}`
  return { actor, action: 'authenticate', subject: '/v1', outcome, ref }
}

function forbidden(right: Right): ApiError {
  const roles = rolesWith(right).join(', ')
  return new ApiError('forbidden', `This takes a key with one of these roles: ${roles}.`)
}
