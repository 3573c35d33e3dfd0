import { z } from 'zod'
import { errorText, faultWords, Refusal } from '../lib/index.ts'
import type { SignedPart } from './jws-signature.ts'
import type { Purpose } from './trust-list.ts'

/** A node refuses cookies over this many characters before it looks at them. */
export const MAX_COOKIE_CHARACTERS = 4096

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** One kind of token that is a compact JWS. */
export interface JwsFormat<Claims> {
  /** Header parameter `typ`: keeps the kinds apart even where one key signs both. */
  typ: 'cgt+jwt' | 'cht+jwt' | 'pac+jws'
  /** What its issuer must be trusted for. */
  purpose: Purpose
  claims: z.ZodType<Claims>
}

/**
 * Exactly these parameters. Refusing all others covers the dangerous ones (`crit`, `jku`, `x5u`, `jwk`,
 * `x5c`, `b64`) without a list that somebody has to keep.
 */
const jwsHeader = z.strictObject({
  alg: z.string().max(16),
  typ: z.string().max(16),
  'x5t#S256': z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'need the SHA-256 of a certificate'),
})

export type JwsHeader = z.infer<typeof jwsHeader>

/**
 * Takes a compact JWS (RFC 7515 section 7.1) apart; verifies nothing. Every part has to be canonical
 * base64url: jose also reads altered trailing bits, padding and white space, and then one token would
 * have many spellings.
 *
 * @param typ the only one that is accepted
 * @throws Refusal `token-malformed`
 */
export function decodeCompactJws(
  text: string,
  typ: string,
): { header: JwsHeader; payload: unknown } & SignedPart {
  if (text.length === 0) throw malformed('token: empty')
  if (text.length > MAX_COOKIE_CHARACTERS) {
    throw malformed(`token: ${text.length} characters, may have ${MAX_COOKIE_CHARACTERS}`)
  }
  const parts = text.split('.')
  const [header = '', payload = '', signature = ''] = parts
  if (parts.length !== 3) throw malformed(`token: need 3 parts, have ${parts.length}`)
  const signatureBytes = decodePart('signature', signature)
  const parsed = jwsHeader.safeParse(decodeJson('header', header), { error: faultWords })
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw malformed(`header ${issue?.path.join('.')}: ${issue?.message}`.slice(0, 200))
  }
  if (parsed.data.typ !== typ) {
    throw malformed(`header typ: need ${typ}, have ${JSON.stringify(parsed.data.typ)}`)
  }
  return {
    header: parsed.data,
    payload: decodeJson('payload', payload),
    signedText: `${header}.${payload}`,
    signature: signatureBytes,
  }
}

/** The text that a compact JWS signs, RFC 7515 section 5.1. */
export function encodeSigned(header: JwsHeader, payload: unknown): string {
  return `${encodeJson(header)}.${encodeJson(payload)}`
}

function encodeJson(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

/** @throws Refusal `token-malformed` when the part is empty or not canonical base64url */
function decodePart(name: string, part: string): Buffer {
  const bytes = Buffer.from(part, 'base64url')
  if (bytes.length === 0) throw malformed(`${name}: empty`)
  if (bytes.toString('base64url') !== part) throw malformed(`${name}: not canonical base64url`)
  return bytes
}

/** @throws Refusal `token-malformed` when the part is not JSON in UTF-8 */
export function decodeJson(name: string, part: string): unknown {
  const bytes = decodePart(name, part)
  try {
    return JSON.parse(UTF8.decode(bytes))
  } catch (error) {
    // The parser's text quotes the input; a type name is all that a log needs.
    throw malformed(`${name}: not JSON (${error instanceof Error ? error.name : errorText(error)})`)
  }
}

function malformed(detail: string): Refusal {
  return new Refusal('token-malformed', detail)
}
