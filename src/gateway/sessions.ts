import type { VerifierSession } from '../control/index.ts'
import type { TunnelFigures } from './observer.ts'

/** Bytes that wait for the side they go to. */
export interface QueuedBytes {
  /** For the host. */
  in: number
  /** For the client. */
  out: number
}

/** A tunnel, as whoever lists or ends it sees it. */
export interface Session extends VerifierSession, TunnelFigures {
  readonly queued: QueuedBytes
  /** The client has announced that it shows messages; it gets them once its channel is open. */
  readonly takesMessages: boolean
  /**
   * Shows its user a text of the operator's, of at most `MAX_USER_TEXT_CHARACTERS`.
   *
   * @returns false when nothing was sent: the client takes none or not yet, or too much waits for it already
   */
  message(text: string): boolean
}

/** What waits in all of them. */
export function sumQueued(sessions: readonly Pick<Session, 'queued'>[]): QueuedBytes {
  const sum = { in: 0, out: 0 }
  for (const { queued } of sessions) {
    sum.in += queued.in
    sum.out += queued.out
  }
  return sum
}
