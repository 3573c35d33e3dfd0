import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { faultWords, needWords } from '../../src/lib/index.ts'

const wordsOf = (schema: z.ZodType, value: unknown): string[] =>
  schema.safeParse(value, { error: faultWords }).error?.issues.map(({ message }) => message) ?? []

test.each<[string, z.ZodType, unknown, string]>([
  ['nothing', z.string(), undefined, 'is missing'],
  ['no choice', z.enum(['a', 'b']), undefined, 'is missing'],
  ['another type', z.string(), 7, 'need text, have a number'],
  ['text for a number', z.int(), '7', 'need a number, have text'],
  ['a fraction', z.int(), 1.5, 'need a whole number, have 1.5'],
  ['null', z.boolean(), null, 'need true or false, have null'],
  ['a list', z.object({}), [], 'need an object, have a list'],
  ['another word', z.enum(['portal', 'viewer']), 'foo', 'need one of portal, viewer'],
  ['another constant', z.literal('rdp'), 'foo', 'need rdp'],
  ['too large a number', z.int().max(3600), 9999, 'need at most 3600, have 9999'],
  ['too small a number', z.int().min(5), 4, 'need at least 5, have 4'],
  ['too long a text', z.string().max(3), 'abcd', 'need at most 3 characters, have 4'],
  ['an empty text', z.string().min(1), '', 'need at least 1 character, have 0'],
  ['too long a list', z.array(z.int()).max(1), [1, 2], 'need at most 1, have 2'],
  ['a wrong length', z.array(z.int()).length(2), [1], 'need exactly 2, have 1'],
  ['no time', z.iso.datetime(), 'now', 'need a time such as 2026-11-21T12:00:00Z'],
  ['unknown keys', z.strictObject({}), { a: 1, b: 2 }, 'a, b: unknown'],
  ['a test without words', z.string().refine(() => false), 'a', 'is not valid'],
  ['a test with words', z.string().regex(/b/, 'need a b'), 'a', 'need a b'],
])('has words for %s', (_, schema, value, words) => {
  expect(wordsOf(schema, value)).toEqual([words])
})

test('tells no text of a value, wherever it is put', () => {
  const schemas = [
    ...[z.int(), z.boolean(), z.null(), z.array(z.string()), z.object({}), z.enum(['a', 'b'])],
    ...[z.literal('rdp'), z.string().max(1), z.string().min(999), z.iso.datetime(), z.base64()],
    z.union([z.int(), z.boolean()]),
    z.string().refine(() => false),
  ]
  const secret = fc.stringMatching(/^[0-9!]{8,40}$/)
  fc.assert(
    fc.property(fc.constantFrom(...schemas), secret, (schema, text) => {
      for (const words of wordsOf(schema, text)) expect(words).not.toContain(text)
    }),
  )
  expect(wordsOf(z.string(), 12_345_678)).toEqual(['need text, have a number'])
})

test('the need can be had alone, by those who tell what is there', () => {
  const schema = z.object({ a: z.string(), b: z.int().max(3) })
  const issues = schema.safeParse({ b: 4 }, { error: needWords }).error?.issues
  expect(issues?.map(({ message }) => message)).toEqual(['need text', 'need at most 3'])
})
