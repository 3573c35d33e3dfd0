import type { Clock } from '../../lib/index.ts'
import type { Role, Store, StoredRevocation } from '../../store/index.ts'
import { parseThumbprint } from '../../tokens/index.ts'
import { ApiError } from '../errors.ts'
import { pageOf, pageQuery, timeCursor } from '../paging.ts'
import type { RevocationKeeper } from '../revocation-keeper.ts'
import { type Caller, rolesWith } from '../rights.ts'
import { defineRoute, type Route } from '../route.ts'
import { listOf } from '../schemas.ts'
import type { Sessions } from '../sessions.ts'
import {
  newRevocationShape,
  type RevocationBody,
  revocationBody,
  revocationShape,
} from '../trust-schemas.ts'
import { invalid } from '../validate.ts'

interface RevocationOptions extends Known {
  revocations: RevocationKeeper
  clock: Clock
}

/** What is looked at to say whom a revocation hits. */
interface Known {
  store: Pick<Store, 'grants' | 'vms' | 'tenants' | 'users'>
  sessions: Pick<Sessions, 'list'>
}

/** What may no longer be opened, although its token is right. */
export function revocationRoutes({ revocations, clock, ...known }: RevocationOptions): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/revocations',
      operationId: 'listRevocations',
      summary: 'Revocations in force, by the time that they reach',
      access: 'revocation.read',
      answers: {
        '200': {
          description: 'The revocations.',
          content: { 'application/json': { schema: listOf(revocationShape) } },
        },
      },
      query: pageQuery,
      async handle({ query }) {
        const all = await revocations.list()
        const { items, ...next } = pageOf(all, query, ({ atMs, id }) => timeCursor(atMs, id))
        return { status: 200, body: { items: items.map(render), ...next } }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/revocations',
      operationId: 'revoke',
      summary: 'Revoke tokens: one, or all of a machine, tenant, user, issuer or time',
      access: 'revocation.write',
      body: revocationBody,
      answers: {
        '201': {
          description: 'They are revoked, and every connected node knows it.',
          content: { 'application/json': { schema: newRevocationShape } },
        },
      },
      async handle({ body, caller }) {
        const { kind, endSessions = false, reason } = body
        checkKind(kind, caller)
        const named = subject(body, clock.now())
        const standing = await standingOf(known, kind, named.value)
        const stored = await revocations.revoke({
          kind,
          ...named,
          endSessions,
          askedBy: caller.name,
          ...(reason === undefined ? {} : { note: reason }),
        })
        return { status: 201, body: { ...render(stored), ...standing } }
      },
    }),
  ]
}

/** Issuers are the business of who answers for trust, all else of who answers for tenants and sessions. */
function checkKind(kind: RevocationBody['kind'], caller: Caller): void {
  const roles: readonly Role[] =
    kind === 'issuer' ? rolesWith('trust.write') : ['support', 'operator']
  if (roles.some((role) => caller.roles.includes(role))) return
  const detail = `kind ${kind}: this takes a key or a user with one of these roles: ${roles.join(', ')}.`
  throw new ApiError('forbidden', detail)
}

/** The value as tokens have it; for `before` it is the time itself. */
function subject({ kind, value }: RevocationBody, nowMs: number): { value: string; atMs?: number } {
  switch (kind) {
    case 'before':
      return { value: '', atMs: timeOf(value, nowMs) }
    case 'issuer':
      return { value: sha256Of(value) }
    default:
      return { value }
  }
}

function timeOf(value: string, nowMs: number): number {
  const timeMs = Date.parse(value)
  // A time to come would also hit tokens that are minted after the revocation was meant to be over.
  if (Number.isNaN(timeMs)) {
    throw invalid([{ field: 'value', message: 'need a time such as 2030-01-01T12:00:00Z' }])
  }
  if (timeMs > nowMs || timeMs < 0) {
    const message = 'need a time that is not in the future, nor before 1970'
    throw invalid([{ field: 'value', message }])
  }
  return timeMs
}

function sha256Of(value: string): string {
  const thumbprint = hexOf(value)
  if (thumbprint.length === 64) return thumbprint
  throw invalid([{ field: 'value', message: 'need the SHA-256 thumbprint of the issuer' }])
}

function hexOf(value: string): string {
  try {
    return parseThumbprint(value).thumbprint
  } catch {
    return ''
  }
}

/** Other brokers' tokens may name what is not known here; of an issuer and a time nothing can be said. */
async function standingOf(
  { store, sessions }: Known,
  kind: RevocationBody['kind'],
  value: string,
): Promise<{ known?: boolean; openSessions?: number }> {
  if (kind === 'issuer' || kind === 'before') return {}
  const find = {
    jti: () => store.grants.findByJti(value),
    vm: () => store.vms.get(value),
    tenant: () => store.tenants.get(value),
    user: () => store.users.get(value),
  }
  const open = await sessions.list()
  return {
    known: (await find[kind]()) !== undefined,
    openSessions: open.filter((session) => session[kind] === value).length,
  }
}

function render({ id, kind, value, atMs, untilMs, endSessions, note, askedBy }: StoredRevocation) {
  return {
    id,
    kind,
    ...(kind === 'before' ? {} : { value }),
    before: new Date(atMs).toISOString(),
    until: new Date(untilMs).toISOString(),
    endSessions,
    ...(note === undefined ? {} : { reason: note }),
    askedBy,
  }
}
