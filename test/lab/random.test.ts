import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Random } from '../../src/lab/random.ts'

const draw = (seed: number, count: number): number[] => {
  const random = new Random(seed)
  return Array.from({ length: 20 }, () => random.below(count))
}

test('gives the same numbers for the same seed, in their bounds', () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), fc.integer({ min: 1, max: 5_000 }), (seed, count) => {
      const numbers = draw(seed, count)
      expect(draw(seed, count)).toEqual(numbers)
      expect(numbers.every((number) => number >= 0 && number < count)).toBe(true)
    }),
  )
})

test('gives others for another seed, and reaches all of them', () => {
  expect(draw(1, 1_000)).not.toEqual(draw(2, 1_000))
  expect(new Set(Array.from({ length: 50 }, (_, seed) => draw(seed, 4)).flat())).toEqual(
    new Set([0, 1, 2, 3]),
  )
})

test('what has a name draws the same whatever else has drawn, and not as another', () => {
  const first = (seed: number, name: string): number => Random.named(seed, name).below(1_000_000)
  expect(first(1, 'altered.random')).toBe(first(1, 'altered.random'))
  expect(first(1, 'altered.random')).not.toBe(first(1, 'altered.signature'))
  expect(first(1, 'altered.random')).not.toBe(first(2, 'altered.random'))
})
