import { type Clock, createLog, type Log } from '../lib/index.ts'

/** One line of a role's log. */
export interface LogLine {
  /** The lab's clock when it was written. */
  atMs: number
  /** `broker`, or the node's name. */
  role: string
  level: string
  event: string
  /** All else that it says. */
  fields: Record<string, unknown>
}

type Matches = (line: LogLine) => boolean

/** What all roles have logged: made by the product's own log from the bytes that it writes. */
export class LogBook {
  readonly #clock: Clock
  readonly #lines: LogLine[] = []
  readonly #waiting = new Set<(line: LogLine) => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A log for one role. */
  open(role: string): Log {
    return createLog({
      level: 'debug',
      stream: { write: (text) => this.#write(role, text) },
    })
  }

  /** How many lines there are. */
  get size(): number {
    return this.#lines.length
  }

  /** In the order in which they came. @param from how many of the first to leave out */
  lines(matches: Matches, from = 0): LogLine[] {
    return this.#lines.slice(from).filter(matches)
  }

  /** The first line that matches, there already or within so many milliseconds; else undefined. */
  until(matches: Matches, timeoutMs: number): Promise<LogLine | undefined> {
    const known = this.#lines.find(matches)
    return known === undefined ? this.next(matches, timeoutMs) : Promise.resolve(known)
  }

  /** The same of lines that are yet to come. */
  next(matches: Matches, timeoutMs: number): Promise<LogLine | undefined> {
    return new Promise((resolve) => {
      const finish = (line?: LogLine): void => {
        clearTimeout(timer)
        this.#waiting.delete(onLine)
        resolve(line)
      }
      const onLine = (line: LogLine): void => {
        if (matches(line)) finish(line)
      }
      const timer = setTimeout(finish, timeoutMs)
      this.#waiting.add(onLine)
    })
  }

  #write(role: string, text: string): void {
    const { level, event, time: _real, ...fields } = JSON.parse(text)
    const line = { atMs: this.#clock.now(), role, level, event, fields }
    this.#lines.push(line)
    for (const onLine of this.#waiting) onLine(line)
  }
}
