import type { Role } from '../store/index.ts'
import { ApiError } from './errors.ts'

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
// Object.keys forgets the names.
const RIGHT_NAMES = Object.keys(RIGHTS) as Right[]

/** Everything: that of the first key, and of keys from before there were roles. */
export const ALL_RIGHTS: readonly Role[] = ['support', 'operator', 'trust-admin']

/** Roles, and whom one of them is bound to. */
export interface Holder {
  roles: readonly Role[]
  /** Whom `portal` is bound to; the other roles are for all tenants. */
  tenants: readonly string[]
}

/** Who asks, by a key or by a session of the portal, and what they may. */
export interface Caller extends Holder {
  /** `key:ID` or `user:ID`, as log and audit say it. */
  name: string
  /** Whom a session is of; absent: it is a key that asks. */
  user?: string
}

/** A tenant's users may what a portal of their tenant may; all others what their roles say. */
export function holderOf({
  tenant,
  roles,
}: {
  tenant?: string | undefined
  roles: readonly Role[]
}): Holder {
  return tenant === undefined ? { roles, tenants: [] } : { roles: ['portal'], tenants: [tenant] }
}

export function rolesWith(right: Right): readonly Role[] {
  return RIGHTS[right]
}

export function has({ roles }: Pick<Holder, 'roles'>, right: Right): boolean {
  return rolesWith(right).some((role) => roles.includes(role))
}

/** The tenants for which a caller has a right; undefined: for all, by another role than `portal`. */
export function tenantsFor(holder: Holder, right: Right): readonly string[] | undefined {
  const others = holder.roles.filter((role) => role !== 'portal')
  if (has({ roles: others }, right)) return undefined
  return has(holder, right) ? holder.tenants : []
}

/** Whether one may everything that the other may, for every tenant. */
function covers(holder: Holder, other: Holder): boolean {
  return RIGHT_NAMES.every((right) => {
    const [own, wanted] = [tenantsFor(holder, right), tenantsFor(other, right)]
    return own === undefined || wanted?.every((tenant) => own.includes(tenant)) === true
  })
}

/**
 * Nobody makes anybody mightier than themselves, nor changes who is; but who may make keys has every role already, by a
 * key of that role.
 *
 * @throws ApiError `forbidden` naming the roles that are too much
 */
export function assertMayGive(caller: Holder, other: Holder): void {
  if (has(caller, 'trust.write')) return
  const beyond = other.roles.filter((role) => !covers(caller, { ...other, roles: [role] }))
  if (beyond.length === 0) return
  throw new ApiError('forbidden', `This takes all rights of these roles: ${beyond.join(', ')}.`)
}
