import { expect, test } from 'vitest'
import { LabClock, skewed } from '../../src/lab/clock.ts'

test('stands at a whole second until it is moved', () => {
  const clock = new LabClock(1_700_000_000_900)
  expect(clock.now()).toBe(1_700_000_000_000)
  clock.moveTo(1_700_000_000_001)
  expect(clock.now()).toBe(1_700_000_000_001)
})

test('goes forwards only', () => {
  const clock = new LabClock(2_000)
  expect(() => clock.moveTo(1_999)).toThrow(RangeError)
  expect(clock.now()).toBe(2_000)
})

test('a clock that is wrong stays wrong by the same', () => {
  const clock = new LabClock(10_000)
  const [ahead, behind] = [skewed(clock, 3), skewed(clock, -3)]
  clock.moveTo(20_000)
  expect([ahead.now(), behind.now()]).toEqual([23_000, 17_000])
})
