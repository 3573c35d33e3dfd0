import { expect, test } from 'vitest'
import { REASONS } from '../../src/lib/index.ts'
import { formatWait, wordsFor } from '../../src/portal/words.ts'

test('every reason and code has a title, one sentence and an advice', () => {
  const codes = [...REASONS, 'unauthorized', 'rate-limited', 'not-found', 'validation-failed']
  for (const words of codes.map(wordsFor)) {
    expect(words.title).not.toBe('')
    expect(words.sentence).toMatch(/^[A-Z][^.]+\.$/)
    expect(words.advice).toMatch(/\.$/)
  }
})

test('words for a code that has none, or names a property of objects, are the general ones', () => {
  expect(wordsFor('no-such-code')).toBe(wordsFor('internal-error'))
  expect(wordsFor('constructor')).toBe(wordsFor('internal-error'))
})

test.each([
  [0, '1 second'],
  [1, '1 second'],
  [45, '45 seconds'],
  [90, '90 seconds'],
  [91, '2 minutes'],
  [120, '2 minutes'],
  [121, '3 minutes'],
])('%i seconds are written as %s', (seconds, text) => {
  expect(formatWait(seconds)).toBe(text)
})
