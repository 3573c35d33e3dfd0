import { expect, test } from 'vitest'
import { readCookie, readSessionCookie, SESSION_COOKIE } from '../../src/lib/index.ts'

const cookies = (value?: string) => ({
  get: (name: string) => (name === SESSION_COOKIE ? value : undefined),
})

test('a session token is read and does not print', () => {
  const token = readSessionCookie(cookies('t'.repeat(43)))
  expect(token?.reveal()).toBe('t'.repeat(43))
  expect(`${JSON.stringify({ token })}`).not.toContain('ttt')
})

test.each([undefined, '', 'short', 'x'.repeat(201), `${'x'.repeat(20)} y`, `${'x'.repeat(20)}"`])(
  'what can be no token is none: %s',
  (value) => {
    expect(readSessionCookie(cookies(value))).toBeUndefined()
    expect(readCookie(cookies(value), SESSION_COOKIE)).toBeUndefined()
  },
)
