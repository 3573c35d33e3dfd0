import { z } from 'zod'
import { faultWords, Refusal } from '../lib/index.ts'

/** `exp` − `iat` at most: the longest life that VMM allows its console tokens. */
export const MAX_LIFETIME_SECONDS = 60 * 60

/** Printable, so that it can stand in logs and headers; bounded, so that a token stays short. */
export const identifier = z
  .string()
  .regex(/^[^\p{C}]{1,128}$/u, 'need 1 to 128 printable characters')

/** NumericDate (RFC 7519 section 2) in whole seconds. */
export const numericDate = z.int().min(0).max(0xffff_ffff_ffff)

export const guid = z
  .string()
  .regex(/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/, 'need a GUID')

/** What every token of ours says, whoever verifies it (RFC 7519 section 4.1). */
export const registeredClaims = {
  /** The broker that signed. */
  iss: identifier,
  /** Who may accept it: one string, never a list. */
  aud: identifier,
  /** Unique per issuer; the key of the redeem ledger. */
  jti: identifier,
  iat: numericDate,
  nbf: numericDate,
  exp: numericDate,
}

/** Reconnect window in seconds. */
export const reconnectWindow = z.int().min(1).max(300)

/** For a schema's `refine`, with {@link LIFE_FAULT}. */
export function isShortLived({ iat, exp }: { iat: number; exp: number }): boolean {
  return exp - iat <= MAX_LIFETIME_SECONDS
}

export const LIFE_FAULT = {
  path: ['exp'],
  message: `need at most ${MAX_LIFETIME_SECONDS} s after iat`,
}

/** @throws Refusal `token-malformed` naming the first claim that is missing, unknown or out of bounds */
export function parseClaims<Claims>(schema: z.ZodType<Claims>, payload: unknown): Claims {
  const result = schema.safeParse(payload, { error: faultWords })
  if (result.success) return result.data
  throw new Refusal('token-malformed', `claim ${describeIssues(result.error)[0]}`)
}

/** Every fault of a payload, for a person who inspects it. */
export function claimIssues(schema: z.ZodType, payload: unknown): string[] {
  const result = schema.safeParse(payload, { error: faultWords })
  return result.success ? [] : describeIssues(result.error).map((issue) => `claim ${issue}`)
}

/** `exp: need …`; cut, since the name of an unknown claim is the peer's text. */
function describeIssues(error: z.ZodError): string[] {
  return error.issues.map(({ path, message }) =>
    (path.length > 0 ? `${path.join('.')}: ${message}` : message).slice(0, 200),
  )
}
