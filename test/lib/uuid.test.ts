import { expect, test } from 'vitest'
import { createUuid } from '../../src/lib/index.ts'

test('a UUID begins with the time, and says its version and variant', () => {
  // The time of RFC 9562, appendix A.6.
  const uuid = createUuid(Date.UTC(2022, 1, 22, 19, 22, 22))
  expect(uuid).toMatch(/^017f22e2-79b0-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(createUuid(1)).toMatch(/^00000000-0001-7/)
})

test('of one millisecond no two are the same', () => {
  const made = Array.from({ length: 1_000 }, () => createUuid(0))
  expect(new Set(made).size).toBe(1_000)
})

test('later ones sort behind', () => {
  const made = Array.from({ length: 100 }, (_, n) => createUuid(n * 10_007))
  expect(made.toSorted()).toEqual(made)
})
