import { z } from 'zod'
import { errorText, Refusal } from '../lib/index.ts'

/** A node refuses cookies over this many characters before it looks at them. */
export const MAX_COOKIE_CHARACTERS = 4096

/**
 * Exactly these parameters. Refusing all others covers the dangerous ones (`crit`, `jku`, `x5u`, `jwk`,
 * `x5c`, `b64`) without a list that somebody has to keep.
 */
const gatewayHeader = z.strictObject({
  alg: z.string().max(16),
  typ: z.literal('cgt+jwt'),
  'x5t#S256': z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'need the SHA-256 of a certificate'),
})

export type GatewayHeader = z.infer<typeof gatewayHeader>

/**
 * Takes a compact JWS (RFC 7515 section 7.1) apart; verifies nothing. Every part has to be canonical
 * base64url: jose also reads altered trailing bits, padding and white space, and then one token would
 * have many spellings.
 *
 * @throws Refusal `token-malformed`
 */
export function decodeCompactJws(text: string): { header: GatewayHeader; payload: unknown } {
  if (text.length === 0) throw malformed('token: empty')
  if (text.length > MAX_COOKIE_CHARACTERS) {
    throw malformed(`token: ${text.length} characters, may have ${MAX_COOKIE_CHARACTERS}`)
  }
  const parts = text.split('.')
  const [header = '', payload = '', signature = ''] = parts
  if (parts.length !== 3) throw malformed(`token: need 3 parts, have ${parts.length}`)
  decodePart('signature', signature)
  const parsed = gatewayHeader.safeParse(decodeJson('header', header))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw malformed(`header ${issue?.path.join('.')}: ${issue?.message}`.slice(0, 200))
  }
  return { header: parsed.data, payload: decodeJson('payload', payload) }
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
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (error) {
    // The parser's text quotes the input; a type name is all that a log needs.
    throw malformed(`${name}: not JSON (${error instanceof Error ? error.name : errorText(error)})`)
  }
}

function malformed(detail: string): Refusal {
  return new Refusal('token-malformed', detail)
}
