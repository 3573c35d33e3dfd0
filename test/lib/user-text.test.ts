import { expect, test } from 'vitest'
import { isUserText, MAX_USER_TEXT_CHARACTERS } from '../../src/lib/index.ts'

test.each([
  'Authorised use only.',
  'First line\nsecond line',
  'Доступ журналируется – ログが残ります 🔒',
  'x'.repeat(MAX_USER_TEXT_CHARACTERS),
])('takes %j', (text) => {
  expect(isUserText(text)).toBe(true)
})

test.each([
  ['nothing', ''],
  ['one character too many', 'x'.repeat(MAX_USER_TEXT_CHARACTERS + 1)],
  ['emoji that count twice', '🔒'.repeat(MAX_USER_TEXT_CHARACTERS / 2 + 1)],
  ['NUL', 'a\0b'],
  ['a carriage return', 'a\r\nb'],
  ['a tab', 'a\tb'],
  ['an escape', '\x1b[31m'],
  ['C1 controls', 'a\x85b'],
  ['half of a surrogate pair', 'a\ud83d'],
])('refuses %s', (_, text) => {
  expect(isUserText(text)).toBe(false)
})
