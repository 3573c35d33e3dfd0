import type { Clock } from '../lib/index.ts'
import type { Grant, Store } from '../store/index.ts'
import { type AttemptLimit, createAttemptLimit } from './attempt-limit.ts'
import { ApiError } from './errors.ts'
import type { RevocationKeeper } from './revocation-keeper.ts'

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
  revocations: Pick<RevocationKeeper, 'find'>
  clock: Clock
  limits: MintLimits
}

/** Nothing more until one of the user's files has expired, or is revoked. */
export class TooManyOpenFiles extends ApiError {
  /** How many can still be opened. */
  readonly openFiles: number

  constructor(openFiles: number, allowed: number, { nowMs, nextMs }: NextFile) {
    const next = new Date(nextMs).toISOString().slice(11, 19)
    super(
      'rate-limited',
      `This user has ${openFiles} file${openFiles === 1 ? '' : 's'} that can still be opened, and may have ${allowed}: the next at ${next} UTC, or when one is revoked.`,
      { retryAfterSeconds: Math.max(1, Math.ceil((nextMs - nowMs) / 1000)) },
    )
    this.openFiles = openFiles
  }
}

interface NextFile {
  nowMs: number
  /** When so many have expired that there is room for one more. */
  nextMs: number
}

export function createMintGate({ store, revocations, clock, limits }: MintGateOptions): MintGate {
  const { userPerMinute, tenantPerMinute, openPerUser } = limits
  const perUser = createAttemptLimit(userPerMinute, 60)
  const perTenant = createAttemptLimit(tenantPerMinute, 60)
  /** Mints under way by user, as they came: grants that are not in the store yet count for those behind them. */
  const pending = new Map<string, Set<symbol>>()

  /** What opens no console counts for nothing: neither what is over a limit nor what fails. */
  async function counted<Result>(
    { limit, key, who }: { limit: AttemptLimit; key: string; who: string },
    work: () => Promise<Result>,
  ): Promise<Result> {
    const retryAfterSeconds = await limit.take(key)
    try {
      if (retryAfterSeconds === undefined) return await work()
      const detail = `Too many consoles at once: ${who} in a minute.`
      throw new ApiError('rate-limited', detail, { retryAfterSeconds })
    } catch (error) {
      await limit.giveBack(key)
      throw error
    }
  }

  /** @param ahead mints under way that came before this one */
  async function checkOpenFiles(
    whose: Pick<Grant, 'tenant' | 'user'>,
    ahead: number,
  ): Promise<void> {
    const nowMs = clock.now()
    if ((await store.grants.countOpen(whose, nowMs)) + ahead < openPerUser) return
    // Rarely needed, so only now: what a revocation of user, machine, tenant … has hit is open no more.
    const grants = await store.grants.listOpen(whose, nowMs)
    const ends = grants
      .filter((grant) => !isRevoked(grant))
      .map(({ expiresAtMs }) => expiresAtMs)
      .sort((one, other) => one - other)
    const count = ends.length + ahead
    if (count < openPerUser) return
    const nextMs = ends[Math.max(0, ends.length - openPerUser)] ?? nowMs
    throw new TooManyOpenFiles(count, openPerUser, { nowMs, nextMs })
  }

  function isRevoked(grant: Grant): boolean {
    const { jti, vm, tenant, user, createdAtMs, expiresAtMs, issuerThumbprint } = grant
    const [iat, exp] = [Math.floor(createdAtMs / 1000), expiresAtMs / 1000]
    const claims = { jti, vm, tid: tenant, sub: user, iat, exp }
    return revocations.find({ claims, issuerThumbprint }) !== undefined
  }

  return {
    async admit({ tenant, user }, mint) {
      const ofTenant = { limit: perTenant, who: `this tenant may open ${tenantPerMinute}` }
      const mintForTenant = () => counted({ ...ofTenant, key: tenant }, mint)
      if (user === undefined) return mintForTenant()
      const key = JSON.stringify([tenant, user])
      const ofUser = { limit: perUser, key, who: `this user may open ${userPerMinute}` }
      const queue = pending.get(key) ?? new Set()
      pending.set(key, queue)
      const ticket = Symbol(user)
      queue.add(ticket)
      try {
        return await counted(ofUser, async () => {
          await checkOpenFiles({ tenant, user }, [...queue].indexOf(ticket))
          return mintForTenant()
        })
      } finally {
        queue.delete(ticket)
        if (queue.size === 0) pending.delete(key)
      }
    },
  }
}
