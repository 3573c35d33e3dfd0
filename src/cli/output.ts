import { BrokerError, errorText, Refusal } from '../lib/index.ts'

/** Exit codes that scripts rely on. */
export const ExitCode = {
  done: 0,
  /** Refused, or a check failed: the reason is on the last line of standard error. */
  refused: 1,
  usage: 2,
  /** No answer from broker, node or host. */
  noAnswer: 3,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** A value: standard output, so that it can be piped. */
export function print(text: string): void {
  process.stdout.write(toLines(text))
}

/** Talk: standard error, so that it never mixes with values. */
export function say(text: string): void {
  process.stderr.write(toLines(text))
}

/** The `--json` form of a value. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2).replaceAll(STEERING, escaped))
}

/** Text of somebody else's as part of one line. */
export function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, ' ')
}

/** What moves the cursor, speaks to the terminal or turns the direction of text; all but lines and tabs. */
const STEERING = /\r(?!\n)|[^\P{Cc}\t\r\n]|\p{Bidi_Control}/gu

/** Nodes, hosts, clients and files have a say in some of it: none of that may steer the terminal. */
function toLines(text: string): string {
  const harmless = text.replaceAll(STEERING, ' ')
  return harmless.endsWith('\n') ? harmless : `${harmless}\n`
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Left-aligned columns, two spaces apart. */
export function printTable(header: string[], rows: string[][]): void {
  const all = [header, ...rows].map((row) => row.map(printable))
  const widths = header.map((_, column) =>
    Math.max(...all.map((row) => (row[column] ?? '').length)),
  )
  for (const row of all) {
    print(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  }
}

/** One thing's fields, name and value a line; values below one another. */
export function printFields(fields: string[][]): void {
  const width = Math.max(...fields.map(([name = '']) => name.length))
  for (const [name = '', value = ''] of fields) print(`${name.padEnd(width)}  ${printable(value)}`)
}

/** A field that is there only with a value. */
export function optionalField(name: string, value: unknown): string[][] {
  return value === undefined ? [] : [[name, String(value)]]
}

/** The reader of our output may leave early (`… | head`): then there is nobody left to talk to. */
export function endWhenNobodyReads(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      process.exit()
    })
  }
}

/** Ends a command: writes one sentence to standard error and sets the exit code for the error's kind. */
export function fail(error: unknown): void {
  if (error instanceof Refusal) say(`portcullis: ${error.reason}: ${error.message}`)
  else say(`portcullis: ${errorText(error)}`)
  process.exitCode = exitCodeOf(error)
}

function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof BrokerError)) return ExitCode.refused
  switch (error.code) {
    case 'ERR_USAGE':
    case 'ERR_CONFIG':
      return ExitCode.usage
    case 'ERR_NO_ANSWER':
    case 'ERR_DEADLINE':
      return ExitCode.noAnswer
    default:
      return ExitCode.refused
  }
}
