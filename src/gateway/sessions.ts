import type { Log, Refusal } from '../lib/index.ts'
import type { AnyVerifiedToken } from '../tokens/index.ts'
import type { TunnelFigures } from './observer.ts'

/** Bytes that wait for the side they go to. */
export interface QueuedBytes {
  /** For the host. */
  in: number
  /** For the client. */
  out: number
}

/** A tunnel, as whoever lists or ends it sees it. */
export interface Session extends TunnelFigures {
  /** Names the tunnel on this node. */
  readonly id: string
  /** What admits it; absent until that is verified. */
  readonly token: AnyVerifiedToken | undefined
  readonly log: Log
  readonly queued: QueuedBytes
  /** The client has announced that it shows messages; it gets them once its channel is open. */
  readonly takesMessages: boolean
  /**
   * Shows its user a text of the operator's, of at most `MAX_USER_TEXT_CHARACTERS`.
   *
   * @returns false when nothing was sent: the client takes none or not yet, or too much waits for it already
   */
  message(text: string): boolean
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

  /** Of all tunnels, those that only flush their last bytes among them. */
  get queued(): QueuedBytes {
    const sum = { in: 0, out: 0 }
    for (const { queued } of this.#sessions) {
      sum.in += queued.in
      sum.out += queued.out
    }
    return sum
  }

  all(): Session[] {
    return [...this.#sessions]
  }

  /** Tunnels that hold, or are about to hold, a token's lease. */
  holding(): Session[] {
    return [...this.#sessions].filter(({ token }) => token !== undefined)
  }

  /** Shows those that match a text. @returns those it was sent to */
  messageWhere(matches: (session: Session) => boolean, text: string): Session[] {
    return [...this.#sessions].filter((session) => matches(session) && session.message(text))
  }

  /** @returns those it has ended; their sockets close by themselves */
  endWhere(matches: (session: Session) => boolean, reason: Refusal): Session[] {
    const ended = [...this.#sessions].filter(matches)
    for (const session of ended) session.end(reason)
    return ended
  }

  /** Ends all of them; resolves when their sockets are closed. */
  async endAll(reason: Refusal): Promise<void> {
    const sessions = [...this.#sessions]
    for (const session of sessions) session.end(reason)
    await Promise.all(sessions.map(({ done }) => done))
  }
}
