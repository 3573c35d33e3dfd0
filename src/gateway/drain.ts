import type { DrainOrder, SessionRegistry } from '../control/index.ts'
import { type Clock, type Log, plural, Refusal } from '../lib/index.ts'
import type { Session } from './sessions.ts'

/** What is left when users are told again, in ms: time to finish a sentence, and to save. */
const REMIND_AT_MS = [5 * 60_000, 60_000]
/** A reminder that would follow the first message within this is not sent. */
const REMIND_AFTER_MS = 30_000
/** Longer than any broker orders, shorter than the longest timer of Node. */
const MAX_DRAIN_MS = 7 * 24 * 60 * 60_000
/** Hundreds of sessions may end at once: their ends are reported together. */
const REPORT_EVERY_MS = 500

const REASON = 'This gateway is going out of service.'
const CANCELLED = 'The gateway stays in service: your session goes on.'

/** A broker's order, with what is left of its time. */
export type TimedDrainOrder = DrainOrder & {
  /** Until the deadline; it may be over. */
  leftMs: number
}

export interface DrainOptions {
  sessions: SessionRegistry<Session>
  clock: Clock
  log: Log
  /** Called when the node takes tunnels again, or no more. */
  tellState(): void
  /** The drain has begun or has another deadline, or sessions have left during it. */
  report(): void
}

/**
 * A node's way out of service: it takes no new tunnels; those it has go on until the deadline, and their
 * users are told how long that is.
 */
export class Drain {
  readonly #options: DrainOptions
  #order: DrainOrder | undefined
  #timers: NodeJS.Timeout[] = []
  #reportTimer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: DrainOptions) {
    this.#options = options
  }

  /** While there is one, new tunnels are refused. */
  get order(): DrainOrder | undefined {
    return this.#order
  }

  /**
   * What holds from now on; the same again changes nothing.
   *
   * @param order undefined: the node is in service
   * @returns whether it has changed anything
   */
  apply(order: TimedDrainOrder | undefined): boolean {
    if (this.#closed) return false
    if (order?.deadline === this.#order?.deadline && order?.message === this.#order?.message) {
      return false
    }
    this.#stopTimers()
    this.#order = order && {
      deadline: order.deadline,
      ...(order.message === undefined ? {} : { message: order.message }),
    }
    if (order === undefined) this.#tell(CANCELLED)
    else this.#begin(order)
    this.#options.tellState()
    if (order !== undefined) this.#options.report()
    return true
  }

  /** The node stops: no timer keeps its process alive. */
  close(): void {
    this.#closed = true
    this.#stopTimers()
  }

  #stopTimers(): void {
    for (const timer of this.#timers.splice(0)) clearTimeout(timer)
    clearTimeout(this.#reportTimer)
    this.#reportTimer = undefined
  }

  #begin({ leftMs, message = REASON }: TimedDrainOrder): void {
    const { sessions, clock, log } = this.#options
    const waitMs = Math.min(Math.max(leftMs, 0), MAX_DRAIN_MS)
    const deadline = new Date(clock.now() + waitMs).toISOString()
    log.info('node.state', { state: 'draining', deadline, tunnels: sessions.holding().length })
    // New ones are refused from here on, so that nobody is missing.
    for (const { done } of sessions.all()) void done.then(() => this.#onGone())
    this.#timers = remindersOf(waitMs).map(({ afterMs, leftMs: left }) =>
      setTimeout(() => this.#tell(`${message} ${renderCountDown(left)}`), afterMs),
    )
    this.#timers.push(setTimeout(() => this.#end(), waitMs))
  }

  #tellEmpty(): void {
    const { sessions, log } = this.#options
    if (sessions.holding().length === 0) log.info('node.state', { state: 'drained' })
  }

  #end(): void {
    void this.#options.sessions.endAll(new Refusal('drained', 'drain: the deadline is over'))
  }

  #tell(text: string): void {
    const { sessions, log } = this.#options
    const told = sessions.all().filter((session) => session.message(text))
    log.info('drain.announced', { sessions: told.length })
  }

  #onGone(): void {
    if (this.#order === undefined || this.#closed || this.#reportTimer !== undefined) return
    this.#reportTimer = setTimeout(() => {
      this.#reportTimer = undefined
      this.#tellEmpty()
      this.#options.report()
    }, REPORT_EVERY_MS)
  }
}

/** The first at once, then at the marks; none for less than a second. */
export function remindersOf(waitMs: number): { afterMs: number; leftMs: number }[] {
  if (waitMs < 1000) return []
  const marks = REMIND_AT_MS.filter((mark) => mark + REMIND_AFTER_MS <= waitMs)
  return [waitMs, ...marks].map((leftMs) => ({ afterMs: waitMs - leftMs, leftMs }))
}

/** What the user is told behind the operator's own words. */
export function renderCountDown(leftMs: number): string {
  const seconds = Math.round(leftMs / 1000)
  const left = seconds < 90 ? plural(seconds, 'second') : plural(Math.round(seconds / 60), 'minute')
  return `Your session ends in ${left}; open the console again to go on.`
}
