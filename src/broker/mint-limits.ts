import type { Clock } from '../lib/index.ts'
import type { Store } from '../store/index.ts'
import { createAttemptLimit } from './attempt-limit.ts'
import { ApiError } from './errors.ts'

/** How many consoles may be asked for; what is past that is 429. */
export interface MintLimits {
  /** Consoles of one user of a tenant in a minute. */
  userPerMinute: number
  /** All consoles of a tenant in a minute. */
  tenantPerMinute: number
  /** Files of one user that still open something: neither expired nor revoked. */
  openPerUser: number
}

/** A person clicks less often; a script that goes wrong is stopped before it hurts others. */
export const MINT_LIMITS: MintLimits = { userPerMinute: 30, tenantPerMinute: 300, openPerUser: 20 }

export interface Minter {
  tenant: string
  /** Absent: a key that asks for itself, and counts for its tenant only. */
  user: string | undefined
}

export interface MintGate {
  /**
   * Lets `mint` run, which keeps the grant, when the limits allow one more.
   *
   * @throws ApiError `rate-limited` with `Retry-After`, and what `mint` throws
   */
  admit<Result>(minter: Minter, mint: () => Promise<Result>): Promise<Result>
}

export interface MintGateOptions {
  store: Pick<Store, 'grants'>
  clock: Clock
  limits: MintLimits
}

export function createMintGate({ store, clock, limits }: MintGateOptions): MintGate {
  const perUser = createAttemptLimit(limits.userPerMinute, 60)
  const perTenant = createAttemptLimit(limits.tenantPerMinute, 60)
  /** Mints under way by user: their grants are not in the store yet, and count all the same. */
  const pending = new Map<string, number>()

  async function takeOfTenant(tenant: string): Promise<void> {
    const seconds = await perTenant.take(tenant)
    const { tenantPerMinute } = limits
    if (seconds !== undefined) throw tooMany(`this tenant may open ${tenantPerMinute}`, seconds)
  }

  async function takeOfUser(key: string, tenant: string, user: string): Promise<void> {
    const { userPerMinute, openPerUser } = limits
    const seconds = await perUser.take(key)
    if (seconds !== undefined) throw tooMany(`this user may open ${userPerMinute}`, seconds)
    const nowMs = clock.now()
    const { count, firstEndMs = nowMs } = await store.grants.openOf({ tenant, user }, nowMs)
    if (count + (pending.get(key) ?? 0) <= openPerUser) return
    const detail = `This user has ${count} files that can still be opened, and may have ${openPerUser}.`
    throw rateLimited(detail, Math.max(1, Math.ceil((firstEndMs - nowMs) / 1000)))
  }

  return {
    async admit({ tenant, user }, mint) {
      if (user === undefined) {
        await takeOfTenant(tenant)
        return mint()
      }
      const key = JSON.stringify([tenant, user])
      pending.set(key, (pending.get(key) ?? 0) + 1)
      try {
        await takeOfUser(key, tenant, user)
        await takeOfTenant(tenant)
        return await mint()
      } finally {
        const left = (pending.get(key) ?? 1) - 1
        if (left === 0) pending.delete(key)
        else pending.set(key, left)
      }
    },
  }
}

function tooMany(who: string, retryAfterSeconds: number): ApiError {
  return rateLimited(`Too many consoles at once: ${who} in a minute.`, retryAfterSeconds)
}

function rateLimited(detail: string, retryAfterSeconds: number): ApiError {
  return new ApiError('rate-limited', detail, {
    headers: { 'Retry-After': String(retryAfterSeconds) },
  })
}
