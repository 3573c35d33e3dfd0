import type { Reason } from '../lib/index.ts'

/** Payload so far, in bytes. */
export interface SessionFigures {
  /** To the console. */
  readonly bytesIn: number
  /** From the console. */
  readonly bytesOut: number
}

/** Is told what can be counted. */
export interface AgentObserver {
  /** The console is connected. */
  sessionOpened(session: SessionFigures): void
  sessionEnded(session: SessionFigures, reason: Reason): void
  /** A connection that did not get as far as a console. */
  refused(reason: Reason): void
}

export const NO_OBSERVER: AgentObserver = {
  sessionOpened() {},
  sessionEnded() {},
  refused() {},
}
