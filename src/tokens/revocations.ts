import type { Presentable } from './redeem.ts'

/** What a revocation names: one token, all tokens about one subject, or all tokens of a time. */
export const REVOCATION_KINDS = ['jti', 'vm', 'tenant', 'user', 'issuer', 'before'] as const
export type RevocationKind = (typeof REVOCATION_KINDS)[number]

/**
 * Tokens that are refused although all else about them is right. A `jti` is revoked whenever it was
 * issued; of the other kinds the tokens with `iat` up to `at` are hit, so that what is minted later
 * works again.
 */
export interface Revocation {
  id: string
  kind: RevocationKind
  /** The claim's value; of an issuer its SHA-256 thumbprint; empty for `before`. */
  value: string
  /** Milliseconds since the epoch: tokens issued until then are hit, that second included. */
  at: number
  /** Milliseconds since the epoch: no token that it hits can be valid any more, so it may be forgotten. */
  until: number
  /** Whether live sessions end as well. */
  endSessions: boolean
}

/** Revocations, indexed by what they name. */
export interface RevocationList {
  readonly size: number
  /** @returns a revocation that hits the token, or undefined */
  find(token: Pick<Presentable, 'claims' | 'issuerThumbprint'>): Revocation | undefined
}

/** An empty list revokes nothing. */
export function createRevocationList(items: readonly Revocation[]): RevocationList {
  const latest = new Map<string, Revocation>()
  for (const item of items) {
    const key = keyOf(item.kind, item.value)
    // Of two that name the same, the later one hits whatever the earlier does.
    const known = latest.get(key)
    if (known === undefined || known.at <= item.at) latest.set(key, item)
  }
  return {
    size: items.length,
    find(token) {
      const issuedMs = token.claims.iat * 1000
      return namesOf(token)
        .map(([kind, value]) => (value === undefined ? undefined : latest.get(keyOf(kind, value))))
        .find((item) => item !== undefined && (item.kind === 'jti' || issuedMs <= item.at))
    },
  }
}

/** A FedAuth token names neither VM, tenant nor user, a host token no tenant and no user. */
function namesOf({
  claims,
  issuerThumbprint,
}: Pick<Presentable, 'claims' | 'issuerThumbprint'>): [RevocationKind, string | undefined][] {
  return [
    ['jti', claims.jti],
    ['vm', claims.vm],
    ['tenant', claims.tid],
    ['user', claims.sub],
    ['issuer', issuerThumbprint],
    ['before', ''],
  ]
}

function keyOf(kind: RevocationKind, value: string): string {
  return `${kind} ${kind === 'before' ? '' : value}`
}
