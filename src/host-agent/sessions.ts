import type { Log, Refusal } from '../lib/index.ts'
import type { VerifiedHostToken } from '../tokens/index.ts'

/** A connection, as whoever lists or ends it sees it. */
export interface Session {
  /** Names the session on this agent. */
  readonly id: string
  /** What admits it; absent until that is verified. */
  readonly token: VerifiedHostToken | undefined
  readonly log: Log
  /** Ends it with this reason, wherever it stands; `done` says when. */
  end(reason: Refusal): void
  /** Never rejects. */
  readonly done: Promise<void>
}

/** The live connections of an agent, so that stop, kill and revocations can reach them. */
export class SessionRegistry {
  readonly #sessions = new Set<Session>()

  get size(): number {
    return this.#sessions.size
  }

  add(session: Session): void {
    this.#sessions.add(session)
    void session.done.then(() => this.#sessions.delete(session))
  }

  /** Those that hold, or are about to hold, a token's lease. */
  holding(): Session[] {
    return [...this.#sessions].filter(({ token }) => token !== undefined)
  }

  /** @returns those it has ended; their sockets close by themselves */
  endWhere(matches: (session: Session) => boolean, reason: Refusal): Session[] {
    const ended = [...this.#sessions].filter(matches)
    for (const session of ended) session.end(reason)
    return ended
  }

  /** Ends all of them; resolves when their sockets are closed. */
  async endAll(reason: Refusal): Promise<void> {
    const sessions = this.endWhere(() => true, reason)
    await Promise.all(sessions.map(({ done }) => done))
  }
}
