import { expect, test } from 'vitest'
import { Allowance } from '../../src/lib/index.ts'

function setUp() {
  let nowMs = 1_000_000
  const allowance = new Allowance({ burst: 3, perSecond: 2, clock: { now: () => nowMs } })
  return {
    wait: (ms: number) => {
      nowMs += ms
    },
    spend: (count: number) => allowance.spend(count),
    takeAll: () => {
      let taken = 0
      while (allowance.take()) taken += 1
      return taken
    },
  }
}

test('gives a burst, then what comes back in time, and never more than a burst', () => {
  const { wait, takeAll } = setUp()
  expect(takeAll()).toBe(3)
  wait(1_000)
  expect(takeAll()).toBe(2)
  wait(250)
  expect(takeAll()).toBe(0)
  wait(250)
  expect(takeAll()).toBe(1)
  wait(3_600_000)
  expect(takeAll()).toBe(3)
})

test('a clock that is set back gives nothing, and takes nothing away for ever', () => {
  const { wait, takeAll } = setUp()
  takeAll()
  wait(-3_600_000)
  expect(takeAll()).toBe(0)
  wait(1_000)
  expect(takeAll()).toBe(2)
})

test('more than is left can be spent, and says how long it takes to come back', () => {
  const { wait, takeAll, spend } = setUp()
  expect([spend(3), spend(1), spend(4)]).toEqual([0, 500, 2_500])
  wait(2_000)
  expect(spend(0)).toBe(500)
  wait(1_000)
  expect(takeAll()).toBe(1)
})
