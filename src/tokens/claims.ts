import { z } from 'zod'
import { parseEndpoint, Refusal } from '../lib/index.ts'
import { isAddressOrPrefix } from './client-address.ts'

/** `exp` − `iat` at most: the longest life that VMM allows its console tokens. */
export const MAX_LIFETIME_SECONDS = 60 * 60

/** Printable, so that it can stand in logs and headers; bounded, so that a token stays short. */
const identifier = z.string().regex(/^[^\p{C}]{1,128}$/u, 'need 1 to 128 printable characters')
/** NumericDate (RFC 7519 section 2) in whole seconds. */
const numericDate = z.int().min(0).max(0xffff_ffff_ffff)
const guid = z.string().regex(/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/, 'need a GUID')

/**
 * Claims of a gateway token. Unknown claims are refused, not ignored: each optional claim narrows what
 * the token allows, so a verifier that skips one it doesn't know would allow more than was signed.
 */
const gatewayClaims = z
  .strictObject({
    /** The broker that signed. */
    iss: identifier,
    /** Farm name in lower case: one string, never a list. */
    aud: identifier,
    /** Unique per issuer; the key of the redeem ledger. */
    jti: identifier,
    iat: numericDate,
    nbf: numericDate,
    exp: numericDate,
    /** Tenant id. */
    tid: identifier,
    /** User id. */
    sub: identifier,
    /** Inventory id of the VM. */
    vm: identifier,
    /** Host kind. */
    knd: z.enum(['rdp', 'hyperv', 'agent', 'vnc']),
    /** `host:port` as written in the `.rdp` file. */
    dst: z
      .string()
      .max(260)
      .refine((text) => parseEndpoint(text) !== undefined, 'need host:port'),
    /** VM GUID, for the kinds whose preconnection blob names one. */
    vmg: guid.exactOptional(),
    /** Client address or prefix. */
    cip: z
      .string()
      .max(64)
      .refine(isAddressOrPrefix, 'need an address or a prefix')
      .exactOptional(),
    /** Idle limit in minutes. */
    idl: z.int().min(1).max(1440).exactOptional(),
    /** Session limit in seconds. */
    max: z.int().min(1).max(2_592_000).exactOptional(),
    /** Redirection flags, HTTP_TUNNEL_REDIR ([MS-TSGU] 2.2.5.3.10). */
    rdr: z.int().min(0).max(0xffff_ffff).exactOptional(),
    /** Reconnect window in seconds. */
    rcw: z.int().min(1).max(300).exactOptional(),
  })
  .refine(({ iat, exp }) => exp - iat <= MAX_LIFETIME_SECONDS, {
    path: ['exp'],
    message: `need at most ${MAX_LIFETIME_SECONDS} s after iat`,
  })
  .refine(({ knd, vmg }) => vmg !== undefined || (knd !== 'hyperv' && knd !== 'agent'), {
    path: ['vmg'],
    message: 'needed with this knd',
  })

export type GatewayClaims = z.infer<typeof gatewayClaims>
export type HostKind = GatewayClaims['knd']

/** @throws Refusal `token-malformed` naming the first claim that is missing, unknown or out of bounds */
export function parseGatewayClaims(payload: unknown): GatewayClaims {
  const result = gatewayClaims.safeParse(payload)
  if (result.success) return result.data
  throw new Refusal('token-malformed', `claim ${describeIssues(result.error)[0]}`)
}

/** Every fault of a payload, for a person who inspects it. */
export function gatewayClaimIssues(payload: unknown): string[] {
  const result = gatewayClaims.safeParse(payload)
  return result.success ? [] : describeIssues(result.error).map((issue) => `claim ${issue}`)
}

/** `exp: need …`; cut, since the name of an unknown claim is the peer's text. */
function describeIssues(error: z.ZodError): string[] {
  return error.issues.map(({ path, message }) =>
    (path.length > 0 ? `${path.join('.')}: ${message}` : message).slice(0, 200),
  )
}
