import type { Refusal } from '../lib/index.ts'

/** A tunnel, as whoever ends it sees it. */
export interface Session {
  /** Ends it with this reason, wherever it stands; `done` says when. */
  end(reason: Refusal): void
  /** Never rejects. */
  readonly done: Promise<void>
}

/** The live tunnels of a node, so that stop and kill can reach them. */
export class SessionRegistry {
  readonly #sessions = new Set<Session>()

  get size(): number {
    return this.#sessions.size
  }

  add(session: Session): void {
    this.#sessions.add(session)
    void session.done.then(() => this.#sessions.delete(session))
  }

  /** Ends all of them; resolves when their sockets are closed. */
  async endAll(reason: Refusal): Promise<void> {
    const sessions = [...this.#sessions]
    for (const session of sessions) session.end(reason)
    await Promise.all(sessions.map(({ done }) => done))
  }
}
