import { Refusal } from '../../lib/index.ts'
import type { AnyVerifiedToken } from '../../tokens/index.ts'
import type { Limits } from '../limits.ts'

/** A timer of Node that has to wait longer fires at once; session limits go up to 30 days. */
const MAX_TIMER_MS = 2 ** 31 - 1

type Claims = Pick<AnyVerifiedToken['claims'], 'idl' | 'max'>

/** Ends a session that its token limits: one that is too long, and one whose client sends nothing. */
export class SessionLimits {
  readonly #claims: Claims
  readonly #limits: Limits
  readonly #ageSeconds: number
  #idle: NodeJS.Timeout | undefined
  #session: NodeJS.Timeout | undefined

  /** @param ageSeconds how much of the session is over: a client that comes back goes on with the rest */
  constructor({ idl, max }: Claims, limits: Limits, ageSeconds = 0) {
    this.#claims = { ...(idl === undefined ? {} : { idl }), ...(max === undefined ? {} : { max }) }
    this.#limits = limits
    this.#ageSeconds = ageSeconds
  }

  /** The session begins. @param end called once, with `idle-limit` or `session-limit` */
  start(end: (reason: Refusal) => void): void {
    const { idl, max } = this.#claims
    const { idleMinuteMs, sessionSecondMs } = this.#limits
    if (idl !== undefined) {
      const refusal = new Refusal('idle-limit', `idl: no input for ${idl} minutes`)
      this.#idle = setTimeout(() => end(refusal), idl * idleMinuteMs)
    }
    if (max !== undefined) {
      const refusal = new Refusal('session-limit', `max: open for ${max} seconds`)
      const leftSeconds = Math.max(0, max - this.#ageSeconds)
      this.#endAfter(leftSeconds * sessionSecondMs, () => end(refusal))
    }
  }

  /** The client has sent DATA: of all its packets the one that a person may be behind. */
  onInput(): void {
    this.#idle?.refresh()
  }

  stop(): void {
    clearTimeout(this.#idle)
    clearTimeout(this.#session)
  }

  #endAfter(leftMs: number, end: () => void): void {
    const waitMs = Math.min(leftMs, MAX_TIMER_MS)
    const onTimer = waitMs === leftMs ? end : () => this.#endAfter(leftMs - waitMs, end)
    this.#session = setTimeout(onTimer, waitMs)
  }
}
