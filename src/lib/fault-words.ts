import type { z } from 'zod'
import { plural } from './plural.ts'

/** What zod calls them, for people who write JSON. */
const TYPES: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
}

const FORMATS: Record<string, string> = {
  datetime: 'a time such as 2026-11-21T12:00:00Z',
  base64: 'base64',
  uuid: 'a UUID',
}

/** As zod's `error` of a schema or of `safeParse` takes it. */
type Issue = z.core.$ZodRawIssue

/**
 * What is wrong with a value from outside, in our words, as `error` of zod's `safeParse`: the need, and what
 * is there. Words that a schema brings itself go first.
 *
 * INVARIANT: a value is told only where a number belongs and is one; of texts and lists only the length, since
 * any may be a password or a token.
 */
export function faultWords(issue: Issue): string {
  const isMissing = issue.input === undefined && /^invalid_(type|value)$/.test(issue.code)
  if (isMissing) return 'is missing'
  const have = foundIn(issue)
  return have === undefined ? needWords(issue) : `${needWords(issue)}, have ${have}`
}

/** As {@link faultWords}, for those who tell themselves what is there. */
export function needWords(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `need ${TYPES[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `need ${oneOf(issue.values)}`
    case 'too_big':
      return `need ${issue.exact ? 'exactly' : 'at most'} ${sized(issue.maximum, issue.origin)}`
    case 'too_small':
      return `need ${issue.exact ? 'exactly' : 'at least'} ${sized(issue.minimum, issue.origin)}`
    case 'not_multiple_of':
      return `need a multiple of ${issue.divisor}`
    case 'invalid_format':
      return `need ${FORMATS[issue.format] ?? 'another form'}`
    case 'unrecognized_keys':
      return `${issue.keys.join(', ')}: unknown`
    default:
      return 'is not valid'
  }
}

/** Undefined where nothing can be told. */
function foundIn(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return isNumeric(issue.expected) ? numberOr(issue.input) : typeWords(issue.input)
    case 'too_big':
    case 'too_small':
      if (typeof issue.input === 'string' || Array.isArray(issue.input)) {
        return String(issue.input.length)
      }
      return isNumeric(issue.origin) ? numberOr(issue.input) : undefined
    case 'not_multiple_of':
      return numberOr(issue.input)
    default:
      return undefined
  }
}

function oneOf(values: readonly unknown[]): string {
  const all = values.map(String).join(', ')
  return values.length === 1 ? all : `one of ${all}`
}

function sized(limit: number | bigint, origin: string): string {
  return origin === 'string' ? plural(Number(limit), 'character') : String(limit)
}

function isNumeric(type: string): boolean {
  return type === 'number' || type === 'int'
}

function numberOr(input: unknown): string {
  return typeof input === 'number' ? String(input) : typeWords(input)
}

function typeWords(input: unknown): string {
  const type = input === null ? 'null' : Array.isArray(input) ? 'array' : typeof input
  return TYPES[type] ?? type
}
