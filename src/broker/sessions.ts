import type { Clock, Log } from '../lib/index.ts'
import type { ConsoleSession, SessionFilter, Store } from '../store/index.ts'
import { ApiError, notFound } from './errors.ts'
import { isHeldByNode, toHolder } from './lease-holder.ts'
import type { Pushes } from './pushes.ts'

/** A node says every 10 s that it lives; what three beats have not named is lost. */
export const LOST_AFTER_MS = 35_000

/** Live console sessions, as the nodes' redeems, heartbeats and events tell of them. */
export interface Sessions {
  /** Open ones, oldest first. */
  list(filter?: SessionFilter): Promise<ConsoleSession[]>
  /** @throws ApiError `not-found` */
  get(id: string): Promise<ConsoleSession>
  /** Ends it and makes its token worthless; again is no error. @throws ApiError `not-found` */
  kill(id: string, askedBy: string): Promise<void>
  /** As `kill`, for all that are open now. @returns how many */
  killAll(filter: SessionFilter, askedBy: string): Promise<number>
  /**
   * Shows its user a text. A node that is not connected doesn't hear of it: it would come too late.
   *
   * @throws ApiError `not-found`, `conflict` when it has ended or its client takes no messages
   */
  message(id: string, text: string, askedBy: string): Promise<void>
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
    if (session === undefined) throw notFound('session', id)
    return session
  }

  /** Their tokens open nothing any more; then their tunnels end, so that none opens in between. */
  const end = async (sessions: ConsoleSession[], askedBy: string): Promise<void> => {
    const keys = new Set(sessions.map(({ key }) => key))
    await Promise.all([...keys].map((key) => store.redeems.burn(key, 'killed')))
    const open = (await store.leases.list()).filter(({ key }) => keys.has(key))
    for (const lease of open) {
      const { tunnel } = lease
      pushes.push(toHolder(lease, { type: 'kill', by: { tunnel }, reason: 'killed' }))
    }
    const ended = sessions.filter(({ id }) => !open.some((other) => other.id === id))
    for (const { id, jti, tenant, vm, node, tunnel } of [...open, ...ended]) {
      const of = { session: id, jti, tenant, vm, node, tunnel }
      log.info('session.killed', { ...of, reason: 'killed', askedBy })
    }
  }

  /** It was killed before, or it has ended and nobody can come back to it. */
  const isOver = async ({ key, endedAtMs }: ConsoleSession): Promise<boolean> => {
    const burned = (await store.redeems.get(key))?.burned
    return burned === 'killed' || (burned !== undefined && endedAtMs !== undefined)
  }

  return {
    list: async (filter) => (await store.leases.list(filter)).filter(isHeldByNode),
    get,
    async kill(id, askedBy) {
      const session = await get(id)
      if (!(await isOver(session))) await end([session], askedBy)
    },
    async killAll(filter, askedBy) {
      const open = await store.leases.list(filter)
      await end(open, askedBy)
      return open.length
    },
    async message(id, text, askedBy) {
      const { jti, tenant, vm, node, tunnel, endedAtMs, takesMessages } = await get(id)
      if (endedAtMs !== undefined) throw new ApiError('conflict', 'The session has ended.')
      if (takesMessages !== true) {
        throw new ApiError('conflict', 'The client of this session takes no messages.')
      }
      pushes.push(toHolder({ node }, { type: 'message', by: { tunnel }, text }))
      log.info('session.messaged', { session: id, jti, tenant, vm, node, tunnel, text, askedBy })
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
