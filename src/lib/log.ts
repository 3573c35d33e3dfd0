import { type DestinationStream, destination, type Level, type Logger, pino } from 'pino'

export type LogFields = Record<string, unknown>

/**
 * One JSON line per event: `log.info('tunnel.created', { connectionId })`. The first argument is a
 * stable dotted name, data goes into fields, never into the name.
 */
export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
  /** The same log with fields that every line of it carries. */
  child(fields: LogFields): Log
}

export interface LogOptions {
  level?: Level | 'silent'
  /** Fields of every line, such as `{ role: 'gateway', node: 'gw1' }`. */
  fields?: LogFields
  /** Where lines go, one by one; standard output when absent, and then nothing is lost at exit. */
  stream?: DestinationStream
}

/**
 * pino, since its output is what collectors expect; wrapped so that the event name is the only
 * sentence and an error is reduced to code and text (a stack would leak paths to log readers).
 */
export function createLog({ level = 'info', fields = {}, stream }: LogOptions = {}): Log {
  const logger = pino(
    {
      level,
      base: fields,
      messageKey: 'event',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream ?? createOutput(),
  )
  return wrap(logger)
}

const MAX_GATHERED_CHARACTERS = 8 * 1024

/** Standard output; the lines of one turn of the event loop share a write, which costs more than all else about them. */
function createOutput(): DestinationStream {
  const output = destination({ dest: 1, sync: true })
  let gathered = ''
  let due: NodeJS.Immediate | undefined
  const flush = (): void => {
    clearImmediate(due)
    due = undefined
    if (gathered !== '') output.write(gathered)
    gathered = ''
  }
  process.once('exit', flush)
  return {
    write(line) {
      gathered += line
      if (gathered.length >= MAX_GATHERED_CHARACTERS) flush()
      else due ??= setImmediate(flush)
    },
  }
}

export const silentLog: Log = createLog({ level: 'silent' })

/** `error` field of a log line: the message of an Error, the text of anything else. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function wrap(logger: Logger<never>): Log {
  return {
    debug: (event, fields) => logger.debug(fields ?? {}, event),
    info: (event, fields) => logger.info(fields ?? {}, event),
    warn: (event, fields) => logger.warn(fields ?? {}, event),
    error: (event, fields) => logger.error(fields ?? {}, event),
    child: (fields) => wrap(logger.child(fields)),
  }
}
