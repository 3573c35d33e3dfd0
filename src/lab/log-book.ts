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

/** Of a node in service, which has other clients as well; about 100 MB. */
const MAX_LINES = 200_000

type Matches = (line: LogLine) => boolean

/** What all roles have logged, from the bytes that the product's own log writes. */
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

  /**
   * A line of a process elsewhere, at the time that it says. Text that is no line of a log is passed over, and what is
   * about no connection, and what is too much.
   */
  add(text: string): void {
    const parsed = parseLine(text)
    if (parsed?.fields.connectionId === undefined || this.#lines.length >= MAX_LINES) return
    const { time, ...line } = parsed
    const { node, role } = line.fields
    this.#keep({ ...line, role: String(node ?? role ?? ''), atMs: Date.parse(time) })
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
    const parsed = parseLine(text)
    if (parsed === undefined) throw new TypeError('the log has written something else')
    // The lab's clock is not the one that the log has.
    const { time: _real, ...line } = parsed
    this.#keep({ ...line, role, atMs: this.#clock.now() })
  }

  #keep(line: LogLine): void {
    this.#lines.push(line)
    for (const onLine of this.#waiting) onLine(line)
  }
}

interface ParsedLine extends Pick<LogLine, 'level' | 'event' | 'fields'> {
  time: string
}

function parseLine(text: string): ParsedLine | undefined {
  try {
    const { level, event, time, ...fields } = JSON.parse(text)
    const isLine = [level, event, time].every((value) => typeof value === 'string')
    return isLine && Date.parse(time) > 0 ? { level, event, time, fields } : undefined
  } catch {
    return undefined
  }
}
