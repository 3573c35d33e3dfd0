/** What probing hosts may cost a node, and the hosts. */
export interface ProbeLimits {
  /** Name look-up and TCP connect, all addresses together. */
  connectMs: number
  /** From TCP to the host's first answer, and again to the end of its TLS handshake. */
  answerMs: number
  /** The same for a neighbouring port, connect included: all of them are asked at once. */
  neighbourMs: number
  /** Each of the look-ups that are only compared. */
  namesMs: number
  /** One host, whatever comes; who asks by hand is waiting for it. */
  totalMs: number
  /** Hosts at once; each holds a socket or, in search of the right port, a few. */
  maxAtOnce: number
  /** Hosts that wait for their turn; more are not taken, since they will be asked for again. */
  maxWaiting: number
}

export const DEFAULT_PROBE_LIMITS: ProbeLimits = {
  connectMs: 3_000,
  answerMs: 3_000,
  neighbourMs: 1_500,
  namesMs: 1_500,
  totalMs: 10_000,
  maxAtOnce: 16,
  maxWaiting: 4_096,
}
