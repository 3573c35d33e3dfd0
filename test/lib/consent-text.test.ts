import { expect, test } from 'vitest'
import { isConsentText, MAX_CONSENT_CHARACTERS } from '../../src/lib/index.ts'

test.each([
  'Authorised use only.',
  'First line\nsecond line',
  'Доступ журналируется – ログが残ります 🔒',
  'x'.repeat(MAX_CONSENT_CHARACTERS),
])('takes %j', (text) => {
  expect(isConsentText(text)).toBe(true)
})

test.each([
  ['nothing', ''],
  ['one character too many', 'x'.repeat(MAX_CONSENT_CHARACTERS + 1)],
  ['emoji that count twice', '🔒'.repeat(MAX_CONSENT_CHARACTERS / 2 + 1)],
  ['NUL', 'a\0b'],
  ['a carriage return', 'a\r\nb'],
  ['a tab', 'a\tb'],
  ['an escape', '\x1b[31m'],
  ['C1 controls', 'a\x85b'],
  ['half of a surrogate pair', 'a\ud83d'],
])('refuses %s', (_, text) => {
  expect(isConsentText(text)).toBe(false)
})
