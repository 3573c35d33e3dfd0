import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { watchForStall } from '../../../src/gateway/relay/direction.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function watched() {
  const direction = { waiting: false, taken: 0 }
  const onStall = vi.fn()
  watchForStall(direction, 1_000, onStall)
  return { direction, onStall }
}

test('a side that takes nothing for a whole period is told', () => {
  const { direction, onStall } = watched()
  vi.advanceTimersByTime(500)
  direction.waiting = true
  vi.advanceTimersByTime(1_000)
  expect(onStall).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1_000)
  expect(onStall).toHaveBeenCalledOnce()
})

test('a slow side that takes some now and then is not', () => {
  const { direction, onStall } = watched()
  direction.waiting = true
  for (let second = 0; second < 20; second++) {
    direction.taken++
    vi.advanceTimersByTime(1_000)
  }
  expect(onStall).not.toHaveBeenCalled()
})

test('nothing waiting is no stall', () => {
  const { onStall } = watched()
  vi.advanceTimersByTime(60_000)
  expect(onStall).not.toHaveBeenCalled()
})
