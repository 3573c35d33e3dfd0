import { BrokerError, type Clock, type Secret } from '../lib/index.ts'
import {
  type Host,
  type Role,
  type Store,
  type Tenant,
  USER_ROLES,
  type User,
  type UserRole,
  type Vm,
} from '../store/index.ts'
import { apiKeyId, secretSha256 } from './api-keys.ts'
import { hashPassword, PASSWORD_COST, type PasswordCost, verifyPassword } from './passwords.ts'
import { ALL_RIGHTS } from './rights.ts'

/** What a store should hold before its broker starts. */
export interface Seed {
  tenants?: Tenant[]
  hosts?: Host[]
  vms?: Vm[]
  users?: SeedUser[]
  apiKeys?: SeedKey[]
}

export interface SeedUser {
  id: string
  /** Absent: one of the provider's own people. */
  tenant?: string
  /** Absent: none. */
  roles?: readonly UserRole[]
  password: Secret
}

export interface SeedKey {
  label: string
  key: Secret
  /** Absent: all that a key can do. */
  roles?: Role[]
  tenants?: string[]
}

/**
 * Puts the seed into the store; the same again changes nothing, and what the seed does not name is
 * left alone.
 *
 * @throws BrokerError `ERR_USAGE` for an API key that is not `pck_<id>_<32 random bytes>`
 */
export async function seedStore(
  store: Store,
  { tenants = [], hosts = [], vms = [], users = [], apiKeys = [] }: Seed,
  clock: Clock,
  cost = PASSWORD_COST,
): Promise<void> {
  const nowMs = clock.now()
  await Promise.all(tenants.map((tenant) => store.tenants.put(tenant, nowMs)))
  await Promise.all(hosts.map((host) => store.hosts.put(host, nowMs)))
  await Promise.all(vms.map((vm) => store.vms.put(vm, nowMs)))
  for (const user of users) await seedUser(store, user, nowMs, cost)
  for (const key of apiKeys) await seedApiKey(store, key, nowMs)
}

/** Keeps the stored hash when it fits: hashing anew would make every start a change. */
async function seedUser(
  store: Store,
  { id, tenant, roles = [], password }: SeedUser,
  nowMs: number,
  cost: PasswordCost,
): Promise<void> {
  const known = await store.users.get(id)
  const fits = known !== undefined && (await verifyPassword(password, known.passwordHash))
  const wanted = USER_ROLES.filter((role) => roles.includes(role))
  const sameRoles = known?.roles.join() === wanted.join()
  if (fits && known.tenant === tenant && sameRoles) return
  const passwordHash = fits ? known.passwordHash : await hashPassword(password, cost)
  const user: User = {
    ...{ id, roles: wanted, disabled: known?.disabled ?? false, passwordHash },
    ...(tenant === undefined ? {} : { tenant }),
  }
  await store.users.put(user, nowMs)
}

async function seedApiKey(
  store: Store,
  { label, key, roles = [...ALL_RIGHTS], tenants = [] }: SeedKey,
  nowMs: number,
): Promise<void> {
  const id = apiKeyId(key)
  if (id === undefined) {
    throw new BrokerError('ERR_USAGE', `API key ${label}: need pck_<id>_<32 random bytes>`)
  }
  const keySha256 = secretSha256(key)
  if ((await store.keys.findBySha256(keySha256)) !== undefined) return
  await store.keys.put({ id, label, keySha256, roles, tenants, createdAtMs: nowMs })
}
