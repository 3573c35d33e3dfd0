import type { Middleware } from 'koa'
import {
  BrokerError,
  type Clock,
  createReference,
  errorText,
  type Log,
  MAX_LOGGED_PATH,
  Refusal,
  STRANGERS_REQUESTS,
  strangerLevel,
} from '../lib/index.ts'
import type { AssetUrl } from './assets.ts'
import type { Failure } from './failure-page.ts'
import { sendFailure } from './send.ts'

export interface FailureOptions {
  asset: AssetUrl
  clock: Clock
  log: Log
}

/** There is nothing at this address. */
export class NoSuchPage extends BrokerError {
  override readonly name = 'NoSuchPage'

  constructor() {
    super('ERR_REFUSED', 'there is no such page')
  }
}

/** Turns whatever a route throws into a page with a reference, and the cause into one log line: so many of strangers. */
export function answerFailures({ asset, clock, log }: FailureOptions): Middleware {
  const ofStranger = strangerLevel(clock, STRANGERS_REQUESTS)
  return async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      const failure = { ...classify(error), ref: createReference() }
      log[failure.status >= 500 ? 'error' : ofStranger()]('portal.refused', {
        ref: failure.ref,
        code: failure.code,
        method: ctx.method,
        path: ctx.path.slice(0, MAX_LOGGED_PATH),
        remoteAddress: ctx.req.socket.remoteAddress,
        error: errorText(error),
      })
      sendFailure(ctx, { asset, failure })
    }
  }
}

function classify(error: unknown): Pick<Failure, 'status' | 'code'> {
  if (error instanceof NoSuchPage) return { status: 404, code: 'not-found' }
  if (error instanceof Refusal) return { status: 403, code: error.reason }
  if (error instanceof BrokerError && error.code === 'ERR_STORE') {
    return { status: 503, code: 'unavailable' }
  }
  // What koa and the body parser throw carries the status that fits: 400, 413 or 415.
  const status = error instanceof Error && 'status' in error ? error.status : undefined
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return { status, code: 'validation-failed' }
  }
  return { status: 500, code: 'internal-error' }
}
