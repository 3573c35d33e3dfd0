import { bodyParser } from '@koa/bodyparser'
import type { Context } from 'koa'
import { z } from 'zod'
import { Secret } from '../lib/index.ts'

/** The longest password at 9 bytes a character (3 bytes, each percent-encoded), and the other fields. */
const MAX_FORM_BYTES = 12 * 1024

/**
 * URL-encoded forms only; a larger body is answered 413 before it is read to its end. How long a
 * body may take is the server's `requestTimeout`; while others want its place, it has none.
 */
export const readForm = bodyParser({ enableTypes: ['form'], formLimit: MAX_FORM_BYTES })

const csrf = z.string().min(1).max(200)

/** POST /sign-in */
export const signInForm = z.strictObject({
  csrf,
  user: z.string().trim().min(1).max(128),
  password: z
    .string()
    .min(1)
    .max(1024)
    .transform((text) => new Secret(text)),
})

/** POST /sign-out */
export const signOutForm = z.strictObject({ csrf })

/** POST /console */
export const consoleForm = z.strictObject({ csrf, vm: z.string().min(1).max(128) })

/** The form's fields, or undefined when one is missing, too long, doubled or unknown. */
export function parseForm<T>(ctx: Context, schema: z.ZodType<T>): T | undefined {
  const result = schema.safeParse(ctx.request.body)
  return result.success ? result.data : undefined
}

/**
 * The fields of a form that only a page of ours fills in.
 *
 * @throws HttpError 400
 */
export function requireForm<T>(ctx: Context, schema: z.ZodType<T>): T {
  return parseForm(ctx, schema) ?? ctx.throw(400, 'form: need exactly the fields of the page')
}
