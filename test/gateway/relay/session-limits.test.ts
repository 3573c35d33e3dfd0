import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DEFAULT_LIMITS } from '../../../src/gateway/limits.ts'
import { SessionLimits } from '../../../src/gateway/relay/session-limits.ts'

const MINUTE_MS = 60_000

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

/** Limits that have started, and the reasons they have ended the session for. */
function start(claims: { idl?: number; max?: number }, ageSeconds?: number) {
  const limits = new SessionLimits(claims, DEFAULT_LIMITS, ageSeconds)
  const ends: string[] = []
  limits.start(({ reason }) => ends.push(reason))
  return { limits, ends }
}

test('ends a session whose client sends nothing for the minutes of idl', () => {
  const { limits, ends } = start({ idl: 5 })
  vi.advanceTimersByTime(5 * MINUTE_MS - 1)
  limits.onInput()
  vi.advanceTimersByTime(5 * MINUTE_MS - 1)
  expect(ends).toEqual([])
  vi.advanceTimersByTime(1)
  expect(ends).toEqual(['idle-limit'])
})

test('ends a session after the seconds of max, whatever its client sends', () => {
  const { limits, ends } = start({ max: 90 })
  for (let second = 0; second < 89; second += 1) {
    vi.advanceTimersByTime(1_000)
    limits.onInput()
  }
  expect(ends).toEqual([])
  vi.advanceTimersByTime(1_000)
  expect(ends).toEqual(['session-limit'])
})

test('a session that is back goes on with the rest of its time', () => {
  const { ends } = start({ max: 90 }, 60.5)
  vi.advanceTimersByTime(29_499)
  expect(ends).toEqual([])
  vi.advanceTimersByTime(1)
  expect(ends).toEqual(['session-limit'])
})

test('a session may last longer than one timer can', () => {
  const days = 30
  const { ends } = start({ max: days * 24 * 3_600 })
  vi.advanceTimersByTime(days * 24 * 3_600_000 - 1)
  expect(ends).toEqual([])
  vi.advanceTimersByTime(1)
  expect(ends).toEqual(['session-limit'])
})

test('nothing runs for a token without limits, nor after the end', () => {
  start({}).limits.onInput()
  expect(vi.getTimerCount()).toBe(0)
  const { limits, ends } = start({ idl: 1, max: 1 })
  limits.stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.advanceTimersByTime(10 * MINUTE_MS)
  expect(ends).toEqual([])
})
