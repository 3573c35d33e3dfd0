import { type Endpoint, parseEndpoint, Secret } from '../lib/index.ts'
import type { GatewayClaims } from '../tokens/index.ts'
import { splitToken } from './forge.ts'

/** A gateway token as a client holds it, and what the lab knows of it. */
export interface Ticket {
  token: Secret
  claims: GatewayClaims
  /** What the client asks the gateway for: the token's target unless a scenario says otherwise. */
  target: Endpoint
  /** The VM that the client asks its host for. */
  vmGuid?: string
  /** For a machine behind a host agent: the token for that, which goes with the GUID. */
  hostToken?: Secret
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
export function ticketOf(token: Secret, more: Pick<Ticket, 'grant' | 'hostToken'> = {}): Ticket {
  const { claims } = splitToken(token)
  const target = parseEndpoint(claims.dst)
  if (target === undefined) throw new TypeError(`dst: ${claims.dst} is no endpoint`)
  const { knd, vmg } = claims
  return {
    token,
    claims,
    target,
    ...(knd !== 'rdp' && vmg !== undefined ? { vmGuid: vmg } : {}),
    ...more,
  }
}
