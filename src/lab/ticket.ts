import { type Endpoint, parseEndpoint, Secret } from '../lib/index.ts'
import type { GatewayClaims } from '../tokens/index.ts'

/** A gateway token as a client holds it, and what the lab knows of it. */
export interface Ticket {
  token: Secret
  claims: GatewayClaims
  /** What the client asks the gateway for: the token's target unless a scenario says otherwise. */
  target: Endpoint
  /** The VM that the client asks its host for. */
  vmGuid?: string
  /** The broker's grant; absent for tokens that no broker has minted. */
  grant?: { id: string; ref: string }
}

/** The same ticket with another text for a token. */
export function withToken(ticket: Ticket, text: string): Ticket {
  return { ...ticket, token: new Secret(text) }
}

/** When it expires, in ms since 1970, leeway not counted. */
export function expiryMs({ claims }: Ticket): number {
  return claims.exp * 1000
}

/** @throws TypeError for a token that no broker could have minted */
export function ticketOf(token: Secret, grant?: Ticket['grant']): Ticket {
  const { claims } = splitToken(token)
  const target = parseEndpoint(claims.dst)
  if (target === undefined) throw new TypeError(`dst: ${claims.dst} is no endpoint`)
  const { knd, vmg } = claims
  return {
    token,
    claims,
    target,
    ...(knd === 'hyperv' && vmg !== undefined ? { vmGuid: vmg } : {}),
    ...(grant === undefined ? {} : { grant }),
  }
}

export interface SplitToken {
  header: Record<string, unknown>
  claims: GatewayClaims
  signature: Buffer
}

/** Takes a good token apart. */
export function splitToken(token: Secret): SplitToken {
  const [header = '', claims = '', signature = ''] = token.reveal().split('.')
  const parse = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  return { header: parse(header), claims: parse(claims), signature: decode(signature) }
}

/** The other way round, whatever the parts say. */
export function joinToken(header: object, claims: object, signature: Uint8Array): string {
  return `${signedText(header, claims)}.${Buffer.from(signature).toString('base64url')}`
}

/** What a signature is made over, RFC 7515 section 5.1. */
export function signedText(header: object, claims: object): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  return `${encode(header)}.${encode(claims)}`
}

function decode(text: string): Buffer {
  return Buffer.from(text, 'base64url')
}
