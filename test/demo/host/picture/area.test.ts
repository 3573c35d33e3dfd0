import { expect, test } from 'vitest'
import { clipArea, pixelsOf, unite } from '../../../../src/demo/host/picture/area.ts'

const SIZE = { width: 100, height: 50 }

test('keeps what lies inside', () => {
  expect(clipArea({ x: -10, y: 40, width: 30, height: 30 }, SIZE)).toEqual({
    x: 0,
    y: 40,
    width: 20,
    height: 10,
  })
})

test('nothing inside is undefined', () => {
  expect(clipArea({ x: 100, y: 0, width: 5, height: 5 }, SIZE)).toBeUndefined()
  expect(clipArea({ x: 10, y: 10, width: 0, height: 5 }, SIZE)).toBeUndefined()
})

test('unites two areas that do not touch', () => {
  const both = unite({ x: 0, y: 0, width: 10, height: 10 }, { x: 20, y: 5, width: 5, height: 10 })
  expect(both).toEqual({ x: 0, y: 0, width: 25, height: 15 })
  expect(pixelsOf(both)).toBe(375)
})
