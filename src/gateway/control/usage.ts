import type { TunnelUsage } from '../../control/index.ts'
import type { Session } from '../sessions.ts'

/** The client's input as it was when it was last seen to have changed. */
interface Seen {
  bytesIn: number
  atMs: number
}

/**
 * What sessions have used, read when somebody asks: nothing is done per packet. So idle time is as fine as the
 * questions are frequent, which heartbeats are.
 */
export class UsageSampler {
  readonly #seen = new WeakMap<Session, Seen>()

  sample(session: Session, nowMs: number): TunnelUsage {
    const { id: tunnel, transport, takesMessages, bytesIn, bytesOut } = session
    return {
      tunnel,
      transport: transport.kind,
      takesMessages,
      idleSeconds: Math.floor(this.#idleMs(session, nowMs) / 1000),
      bytesIn,
      bytesOut,
    }
  }

  #idleMs(session: Session, nowMs: number): number {
    const { bytesIn } = session
    const seen = this.#seen.get(session)
    // A clock that was set back must not give a negative time.
    if (seen?.bytesIn === bytesIn) return Math.max(0, nowMs - seen.atMs)
    this.#seen.set(session, { bytesIn, atMs: nowMs })
    return 0
  }
}
