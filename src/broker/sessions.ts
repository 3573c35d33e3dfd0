import type { Clock, Log } from '../lib/index.ts'
import type { ConsoleSession, Store } from '../store/index.ts'
import { ApiError } from './errors.ts'
import type { Pushes } from './pushes.ts'

/** A node says every 10 s that it lives; what three beats have not named is lost. */
export const LOST_AFTER_MS = 35_000

/** Live console sessions, as the nodes' redeems, heartbeats and events tell of them. */
export interface Sessions {
  /** Open ones, oldest first. */
  list(): Promise<ConsoleSession[]>
  /** @throws ApiError `not-found` */
  get(id: string): Promise<ConsoleSession>
  /** Ends it and makes its token worthless; again is no error. @throws ApiError `not-found` */
  kill(id: string, askedBy: string): Promise<void>
  /** Ends what lost nodes held, at their last heartbeat. */
  sweep(): Promise<void>
}

export interface SessionOptions {
  store: Store
  pushes: Pushes
  clock: Clock
  log: Log
}

export function createSessions({ store, pushes, clock, log }: SessionOptions): Sessions {
  const startedMs = clock.now()

  const get = async (id: string): Promise<ConsoleSession> => {
    const session = await store.leases.get(id)
    if (session === undefined) throw new ApiError('not-found', 'There is no session with this id.')
    return session
  }

  return {
    list: () => store.leases.list(),
    get,
    async kill(id, askedBy) {
      const { key, ...session } = await get(id)
      await store.redeems.burn(key, 'killed')
      const open = (await store.leases.list()).filter((other) => other.key === key)
      for (const { tunnel } of open) pushes.push({ type: 'kill', by: { tunnel }, reason: 'killed' })
      const { jti, tenant, vm, node, tunnel } = session
      log.info('session.killed', { session: id, jti, tenant, vm, node, tunnel, askedBy })
    },
    async sweep() {
      // After a restart the nodes get the time to say who still lives.
      if (clock.now() - startedMs < LOST_AFTER_MS) return
      for (const lost of await store.leases.endLost(clock.now() - LOST_AFTER_MS)) {
        const { id: session, jti, tenant, vm, node, tunnel } = lost
        log.warn('session.closed', { reason: 'node-lost', session, jti, tenant, vm, node, tunnel })
      }
    },
  }
}
