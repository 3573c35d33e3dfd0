import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import Koa, { type Context, type Middleware } from 'koa'
import helmet from 'koa-helmet'
import {
  type Clock,
  errorText,
  type Log,
  MAX_LOGGED_PATH,
  STRANGERS_REQUESTS,
  strangerLevel,
} from '../lib/index.ts'
import { type AdmitOptions, admitCaller } from './admit-caller.ts'
import { ApiError, causeText, toApiError, toProblem } from './errors.ts'
import { renderProblemPage } from './problem-page.ts'
import type { Caller } from './rights.ts'
import type { Answer, Route } from './route.ts'

export interface AppOptions extends AdmitOptions {
  routes: Route[]
  clock: Clock
  log: Log
  /** Off in development: browsers would keep to HTTPS for everything else on localhost. */
  strictTransportSecurity: boolean
}

/** The routes as a koa app. What is mounted after it gets the paths that no route has. */
export function createApp(options: AppOptions): Koa {
  const { clock, log, strictTransportSecurity } = options
  const ofStranger = strangerLevel(clock, STRANGERS_REQUESTS)
  const app = new Koa()
  app.use(answerProblems(log, ofStranger))
  app.use(helmet({ strictTransportSecurity }))
  app.use(createRouter(options).routes())
  app.on('error', (error) => {
    // A stream has no other end than that its reader leaves.
    const level = error.code === 'ERR_STREAM_PREMATURE_CLOSE' ? 'debug' : ofStranger()
    log[level]('request.aborted', { error: errorText(error) })
  })
  return app
}

/** Every failure below, and every path that nothing answers, as problem+json or as a page. */
function answerProblems(log: Log, ofStranger: () => 'warn' | 'debug'): Middleware {
  return async (ctx, next) => {
    try {
      await next()
      if (ctx.status === 404 && ctx.body === undefined) {
        throw new ApiError('not-found', 'There is nothing at this address.')
      }
    } catch (thrown) {
      const error = toApiError(thrown)
      logFailure(log, ctx, error, ofStranger)
      answerWith(ctx, error)
    }
  }
}

function answerWith(ctx: Context, error: ApiError): void {
  const problem = toProblem(error)
  ctx.status = error.status
  ctx.set(error.headers)
  ctx.set('Cache-Control', 'no-store')
  ctx.remove('Content-Disposition')
  const html = ctx.accepts('application/problem+json', 'application/json', 'text/html')
  if (html === 'text/html') {
    ctx.type = 'text/html; charset=utf-8'
    ctx.body = renderProblemPage(problem)
  } else {
    ctx.type = 'application/problem+json'
    ctx.body = JSON.stringify(problem)
  }
}

/** A client over its limit is not worth a line per request, and strangers together are worth so many. */
function logFailure(
  log: Log,
  ctx: Context,
  error: ApiError,
  ofStranger: () => 'warn' | 'debug',
): void {
  const { problem: code, ref, status } = error
  const event = code === 'unauthorized' ? 'auth.failed' : 'request.refused'
  const { method, ip: remoteAddress } = ctx
  const path = ctx.path.slice(0, MAX_LOGGED_PATH)
  const caller: Caller | undefined = ctx.state.caller
  const fields = {
    ...{ code, ref, status, method, path, remoteAddress, error: error.message },
    ...(caller === undefined ? {} : { askedBy: caller.name }),
  }
  if (status >= 500) log.error('request.failed', { ...fields, error: causeText(error) })
  else if (status === 429) log.debug(event, fields)
  else log[caller === undefined ? ofStranger() : 'warn'](event, fields)
}

function createRouter({ routes, ...admit }: AppOptions): Router {
  const router = new Router()
  for (const route of routes) {
    router[route.method](toRouterPath(route.path), ...toMiddleware(route, admit))
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    const methods = routes.filter((route) => route.path === path).map(({ method }) => method)
    router.all(toRouterPath(path), () => {
      throw methodNotAllowed(methods)
    })
  }
  return router
}

function toRouterPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

function methodNotAllowed(methods: string[]): ApiError {
  const allow = methods.map((method) => method.toUpperCase()).join(', ')
  return new ApiError('protocol-error', `This address takes ${allow} only.`, {
    status: 405,
    headers: { Allow: allow },
  })
}

/** Who asks is known, and may, before any of the body is read. */
function toMiddleware(route: Route, admit: AdmitOptions): Middleware[] {
  const answer: Middleware = async (ctx) => {
    const prefer = (...types: [string, ...string[]]) => ctx.accepts(...types) || undefined
    const id: unknown = ctx.params.id
    send(
      ctx,
      await route.respond({
        id: typeof id === 'string' ? id : undefined,
        query: { ...ctx.query },
        body: ctx.request.body,
        caller: ctx.state.caller,
        isWelcome: ctx.state.isWelcome,
        onlyNew: ctx.get('if-none-match') === '*',
        lastEventId: ctx.get('last-event-id') || undefined,
        idempotencyKey: ctx.get('idempotency-key') || undefined,
        remoteAddress: ctx.ip,
        prefer,
      }),
    )
  }
  return [
    ...(route.access === 'public' ? [] : [admitCaller(route, route.access, admit)]),
    ...(route.takesBody ? [requireJson, parseJson(route.maxBodyBytes)] : []),
    answer,
  ]
}

function parseJson(maxBytes: number): Middleware {
  return bodyParser({
    enableTypes: ['json'],
    jsonLimit: maxBytes,
    onError(error) {
      const { status } = toApiError(error)
      if (status === 413) throw error
      throw new ApiError('validation-failed', 'The body is not JSON.', {
        errors: [{ field: '', message: 'is not JSON' }],
        cause: error,
      })
    },
  })
}

/** No body at all is left to the schema, which names what is missing. */
const requireJson: Middleware = async (ctx, next) => {
  if (ctx.request.length !== 0 && ctx.is('application/json') === false) {
    throw new ApiError('protocol-error', 'The body must be application/json.', { status: 415 })
  }
  await next()
}

function send(ctx: Context, { status, body, headers = {}, sent }: Answer): void {
  if (sent !== undefined) ctx.res.once('finish', sent)
  ctx.status = status
  ctx.set(headers)
  if (body instanceof Uint8Array) ctx.body = Buffer.from(body)
  else if (body !== undefined) ctx.body = body
}
