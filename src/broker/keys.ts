import type { Clock, Log, Secret } from '../lib/index.ts'
import type { ApiKey, IdPage, Role, Store } from '../store/index.ts'
import { createApiKey, secretSha256 } from './api-keys.ts'
import { ApiError, missing, notFound } from './errors.ts'
import { has } from './rights.ts'
import { invalid } from './validate.ts'

export interface WantedKey {
  id: string
  label?: string
  roles: Role[]
  tenants?: string[]
  expiresAtMs?: number
}

/** The keys of the API: a few, of control panels, scripts and people. */
export interface Keys {
  /**
   * @returns the key's text as well, which nobody can ever read again
   * @throws ApiError `conflict` for an id that some key has or had; `validation-failed`
   */
  create(wanted: WantedKey, askedBy: string): Promise<{ record: ApiKey; key: Secret }>
  list(page?: IdPage): Promise<ApiKey[]>
  /** @throws ApiError `not-found` */
  get(id: string): Promise<ApiKey>
  /**
   * Worthless from its next request on. Again is no error.
   *
   * @throws ApiError `not-found`; `conflict` for the last one that could make another
   */
  revoke(id: string, askedBy: string): Promise<void>
}

export interface KeyOptions {
  store: Pick<Store, 'keys' | 'tenants'>
  clock: Clock
  log: Log
}

export function createKeys({ store, clock, log }: KeyOptions): Keys {
  const get: Keys['get'] = async (id) => {
    const record = await store.keys.get(id)
    if (record === undefined) throw notFound('key', id)
    return record
  }

  return {
    async create({ id, label = '', roles, tenants = [], expiresAtMs }, askedBy) {
      await checkTenants(store, roles, tenants)
      if (expiresAtMs !== undefined && expiresAtMs <= clock.now()) {
        throw invalid([{ field: 'expiresAt', message: 'need a time to come' }])
      }
      const key = createApiKey(id)
      const record: ApiKey = {
        ...{
          id,
          label,
          keySha256: secretSha256(key),
          roles,
          tenants: [...new Set(tenants)].sort(),
        },
        createdAtMs: clock.now(),
        ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
      }
      if (!(await store.keys.insert(record))) {
        throw new ApiError('conflict', `There is, or was, a key ${id}: choose another id.`)
      }
      log.info('key.created', { key: id, roles, tenants: record.tenants, askedBy })
      return { record, key }
    },

    list: (page) => store.keys.list(page),

    get,

    async revoke(id, askedBy) {
      const { revokedAtMs } = await get(id)
      if (revokedAtMs !== undefined) return
      const mayGo = (others: readonly ApiKey[]) => others.some(canMakeKeys)
      if (!(await store.keys.revoke(id, clock.now(), mayGo))) {
        throw new ApiError('conflict', 'Nobody could make a key any more: create another first.')
      }
      log.info('key.revoked', { key: id, askedBy })
    },
  }
}

/** For good: one that expires would lock everybody out later. */
function canMakeKeys({ roles, expiresAtMs, revokedAtMs }: ApiKey): boolean {
  return revokedAtMs === undefined && expiresAtMs === undefined && has({ roles }, 'trust.write')
}

/** Bound to nobody, `portal` could do nothing; other roles are for all tenants, whatever stands beside them. */
async function checkTenants(
  store: KeyOptions['store'],
  roles: Role[],
  tenants: string[],
): Promise<void> {
  const needed = roles.includes('portal')
  if (needed !== tenants.length > 0) {
    const message = needed ? 'needed with the role portal' : 'for the role portal only'
    throw invalid([{ field: 'tenants', message }])
  }
  const found = await Promise.all(tenants.map((tenant) => store.tenants.get(tenant)))
  const unknown = tenants.flatMap((tenant, index) =>
    found[index] === undefined ? [missing(`tenants.${index}`, 'tenant', tenant)] : [],
  )
  if (unknown.length > 0) throw invalid(unknown)
}
