import type { Clock, Log } from '../lib/index.ts'
import type { Store } from '../store/index.ts'
import { notFound } from './errors.ts'
import type { Sessions } from './sessions.ts'

/** Opting hosts in and out. */
export interface HostConsoles {
  /**
   * From now on no console of the host opens, or any may that policy allows: also with files that are out.
   *
   * @returns how many sessions of its machines go on, and how many were ended
   * @throws ApiError `not-found`
   */
  switch(
    host: string,
    wanted: { allow: boolean; endSessions: boolean; askedBy: string },
  ): Promise<{ openSessions: number; endedSessions: number }>
}

export interface HostConsoleOptions {
  store: Store
  sessions: Sessions
  clock: Clock
  log: Log
}

export function createHostConsoles(options: HostConsoleOptions): HostConsoles {
  const { store, sessions, clock, log } = options
  return {
    async switch(host, { allow, endSessions, askedBy }) {
      if (!(await store.hosts.allowConsole(host, allow, clock.now()))) throw notFound('host', host)
      const endedSessions = endSessions ? await sessions.killAll({ host }, askedBy) : 0
      const openSessions = endSessions ? 0 : (await sessions.list({ host })).length
      log.info(allow ? 'host.enabled' : 'host.disabled', {
        host,
        openSessions,
        endedSessions,
        askedBy,
      })
      return { openSessions, endedSessions }
    },
  }
}
