import fc from 'fast-check'
import { expect, test } from 'vitest'
import { redialPauseMs } from '../../src/control/backoff.ts'

const LIMITS = { redialMs: 200, maxRedialMs: 5_000 }

test('the pause doubles with every failure up to its bound', () => {
  const pauses = [1, 2, 3, 6, 50].map((failures) => redialPauseMs(failures, 1, LIMITS))
  expect(pauses).toEqual([200, 400, 800, 5_000, 5_000])
})

test('chance takes away half at most', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (failures, random) => {
        const full = redialPauseMs(failures, 1, LIMITS)
        const pause = redialPauseMs(failures, random, LIMITS)
        expect(pause).toBeGreaterThanOrEqual(full / 2)
        expect(pause).toBeLessThanOrEqual(full)
      },
    ),
  )
})
