import type { Log, Refusal } from '../lib/index.ts'
import type { Presentable } from '../tokens/index.ts'
import type { KillMessage } from './to-node.ts'

/** A connection to a verifier (a node, a host agent), as whoever lists or ends it sees it. */
export interface VerifierSession {
  /** Names it on this verifier; the control channel's `tunnel`. */
  readonly id: string
  /** What admits it; absent until that is verified. */
  readonly token: Pick<Presentable, 'claims' | 'issuerThumbprint'> | undefined
  readonly log: Log
  /** Ends it with this reason, wherever it stands; `done` says when. */
  end(reason: Refusal): void
  /** Never rejects. */
  readonly done: Promise<void>
}

/** The live sessions of a verifier, so that stop, kill and revocations can reach them. */
export class SessionRegistry<Session extends VerifierSession = VerifierSession> {
  readonly #sessions = new Set<Session>()

  /** Until it is done. */
  add(session: Session): void {
    this.#sessions.add(session)
    void session.done.then(() => this.#sessions.delete(session))
  }

  /** Those that only flush their last bytes among them. */
  all(): Session[] {
    return [...this.#sessions]
  }

  /** Those that hold, or are about to hold, a token's lease. */
  holding(): Session[] {
    return this.all().filter(({ token }) => token !== undefined)
  }

  /** @returns those it has ended; their sockets close by themselves */
  endWhere(matches: (session: Session) => boolean, reason: Refusal): Session[] {
    const ended = this.all().filter(matches)
    for (const session of ended) session.end(reason)
    return ended
  }

  /** Ends all of them; resolves when their sockets are closed. */
  async endAll(reason: Refusal): Promise<void> {
    const ended = this.endWhere(() => true, reason)
    await Promise.all(ended.map(({ done }) => done))
  }
}

/**
 * Whether a broker's message means this session. Only its id names one without a verified token; a host token
 * names neither tenant nor user.
 */
export function isNamed(
  { id, token }: Pick<VerifierSession, 'id' | 'token'>,
  by: KillMessage['by'],
): boolean {
  if ('tunnel' in by) return by.tunnel === id
  if (token === undefined) return false
  const { jti, vm, tid, sub } = token.claims
  if ('jti' in by) return by.jti === jti
  if ('vm' in by) return by.vm === vm
  if ('tenant' in by) return by.tenant === tid
  return by.user === sub
}
