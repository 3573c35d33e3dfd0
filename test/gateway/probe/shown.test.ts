import { expect, test } from 'vitest'
import { toShown } from '../../../src/gateway/probe/shown.ts'

test('a text is cut to 256 characters, and not in half of one', () => {
  expect(toShown('x'.repeat(10_000))).toBe('x'.repeat(256))
  expect(toShown(`x${'\u{1f6e0}'.repeat(200)}`)).toBe(`x${'\u{1f6e0}'.repeat(127)}`)
})

test('what steers a terminal is no part of it, and nothing may be left', () => {
  expect(toShown('a\u001b[2Jb\r\nc')).toBe('a [2Jb c')
  expect(toShown('\u0000\n')).toBeUndefined()
})
