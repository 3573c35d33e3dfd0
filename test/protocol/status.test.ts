import { expect, test } from 'vitest'
import { formatStatus, statusName } from '../../src/protocol/index.ts'

test('names a code with and without its high word', () => {
  expect(statusName(0x8007_59f8)).toBe('E_PROXY_COOKIE_AUTHENTICATION_ACCESS_DENIED')
  expect(statusName(0x0000_59f8)).toBe('E_PROXY_COOKIE_AUTHENTICATION_ACCESS_DENIED')
})

test('names neither success, nor unknown codes, nor those of another facility', () => {
  expect(statusName(0)).toBeUndefined()
  expect(statusName(0x8007_ffff)).toBeUndefined()
  expect(statusName(0x8009_59f8)).toBeUndefined()
})

test('writes eight hexadecimal digits, also of a signed number', () => {
  expect(formatStatus(0x4d4)).toBe('0x000004D4')
  expect(formatStatus(0x8007_59f8 | 0)).toBe('0x800759F8')
})
