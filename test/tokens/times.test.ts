import { expect, test } from 'vitest'
import { formatSeconds, formatTime } from '../../src/tokens/times.ts'

test('times are RFC 3339 in UTC, and what no date can name is still told', () => {
  expect(formatTime(1893499200.5)).toBe('2030-01-01T12:00:00.500Z')
  expect(formatTime(0xffff_ffff_ffff)).toBe('281474976710655 (Unix seconds)')
})

test('durations are told to the millisecond', () => {
  expect(formatSeconds(8.282000064849854)).toBe('8.282 s')
  expect(formatSeconds(60)).toBe('60 s')
})
