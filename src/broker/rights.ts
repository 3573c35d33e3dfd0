import type { Role } from '../store/index.ts'

/** What routes ask for, and the roles that have it. Whatever a role is not named for, it may not do. */
const RIGHTS = {
  'console.mint': ['operator', 'portal'],
  'console.read': ['viewer', 'support', 'operator', 'portal'],
  'console.revoke': ['support', 'operator'],
  'inventory.read': ['viewer', 'support', 'operator'],
  'inventory.write': ['operator'],
  'session.read': ['viewer', 'support'],
  'session.write': ['support'],
  'event.read': ['viewer', 'support'],
  'revocation.read': ['viewer', 'support', 'operator', 'trust-admin'],
  /** Which of them may revoke what: `routes/revocations.ts`. */
  'revocation.write': ['support', 'operator', 'trust-admin'],
  'why.read': ['support'],
  'trust.read': ['viewer', 'support', 'trust-admin'],
  'trust.write': ['trust-admin'],
  /** What the broker says of itself and of what was done: metrics, records. */
  'service.read': ['viewer', 'support', 'operator', 'trust-admin'],
} as const satisfies Record<string, readonly Role[]>

export type Right = keyof typeof RIGHTS

/** Everything: that of the first key, and of keys from before there were roles. */
export const ALL_RIGHTS: readonly Role[] = ['support', 'operator', 'trust-admin']

/** Whose key a request carries, and what it may. */
export interface Caller {
  keyId: string
  roles: readonly Role[]
  /** Whom `portal` is bound to; the other roles are for all tenants. */
  tenants: readonly string[]
}

export function rolesWith(right: Right): readonly Role[] {
  return RIGHTS[right]
}

export function has({ roles }: Pick<Caller, 'roles'>, right: Right): boolean {
  return rolesWith(right).some((role) => roles.includes(role))
}

/** The tenants for which a caller has a right; undefined: for all, by another role than `portal`. */
export function tenantsFor(caller: Caller, right: Right): readonly string[] | undefined {
  const others = caller.roles.filter((role) => role !== 'portal')
  if (has({ roles: others }, right)) return undefined
  return has(caller, right) ? caller.tenants : []
}
