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

/**
 * What is wrong with a value from outside, in our words, as `error` of zod's `safeParse`: the need, and what
 * is there. Words that a schema brings itself go first.
 *
 * INVARIANT: a value is told only where a number belongs and is one; of texts and lists only the length, since
 * any may be a password or a token.
 */
export function faultWords(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is missing'
      return `need ${TYPES[issue.expected] ?? issue.expected}, have ${
        isNumeric(issue.expected) ? numberOr(issue.input) : typeWords(issue.input)
      }`
    case 'invalid_value':
      return issue.input === undefined ? 'is missing' : `need ${oneOf(issue.values)}`
    case 'too_big':
      return bounded('at most', issue.maximum, issue)
    case 'too_small':
      return bounded('at least', issue.minimum, issue)
    case 'not_multiple_of':
      return `need a multiple of ${issue.divisor}, have ${numberOr(issue.input)}`
    case 'invalid_format':
      return `need ${FORMATS[issue.format] ?? 'another form'}`
    case 'unrecognized_keys':
      return `${issue.keys.join(', ')}: unknown`
    default:
      return 'is not valid'
  }
}

function oneOf(values: readonly unknown[]): string {
  const all = values.map(String).join(', ')
  return values.length === 1 ? all : `one of ${all}`
}

function bounded(
  bound: string,
  limit: number | bigint,
  { origin, exact, input }: { origin: string; exact?: boolean | undefined; input: unknown },
): string {
  const need = `need ${exact ? 'exactly' : bound}`
  if (typeof input === 'string') {
    return `${need} ${plural(Number(limit), 'character')}, have ${input.length}`
  }
  if (Array.isArray(input)) return `${need} ${limit}, have ${input.length}`
  return isNumeric(origin) ? `${need} ${limit}, have ${numberOr(input)}` : `${need} ${limit}`
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
