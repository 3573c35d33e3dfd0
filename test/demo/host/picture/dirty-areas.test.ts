import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pixelsOf } from '../../../../src/demo/host/picture/area.ts'
import { DirtyAreas } from '../../../../src/demo/host/picture/dirty-areas.ts'

const SIZE = { width: 640, height: 400 }

const areas = fc.array(
  fc.record({
    x: fc.integer({ min: -50, max: 700 }),
    y: fc.integer({ min: -50, max: 450 }),
    width: fc.nat(700),
    height: fc.nat(450),
  }),
  { maxLength: 60 },
)

test('grows columns to multiples of 4 and cuts off what lies outside', () => {
  const dirty = new DirtyAreas(SIZE)
  dirty.add({ x: 5, y: -3, width: 2, height: 5 })
  expect(dirty.take()).toEqual([{ x: 4, y: 0, width: 4, height: 2 }])
})

test('is clean after its areas were taken, and after areas outside of the picture', () => {
  const dirty = new DirtyAreas(SIZE)
  dirty.addAll()
  dirty.take()
  dirty.add({ x: 640, y: 0, width: 10, height: 10 })
  dirty.add({ x: 0, y: 0, width: 0, height: 10 })
  expect(dirty.isEmpty).toBe(true)
})

test('letters side by side become one area', () => {
  const dirty = new DirtyAreas(SIZE)
  for (const x of [0, 16, 8, 24]) dirty.add({ x, y: 32, width: 8, height: 16 })
  expect(dirty.take()).toEqual([{ x: 0, y: 32, width: 32, height: 16 }])
})

test('an area that holds others replaces them', () => {
  const dirty = new DirtyAreas(SIZE)
  dirty.add({ x: 8, y: 8, width: 8, height: 8 })
  dirty.add({ x: 0, y: 0, width: 100, height: 100 })
  dirty.add({ x: 40, y: 40, width: 8, height: 8 })
  expect(dirty.take()).toEqual([{ x: 0, y: 0, width: 100, height: 100 }])
})

test('the 17th area makes all of them one', () => {
  const dirty = new DirtyAreas(SIZE)
  for (let index = 0; index < 17; index += 1) {
    dirty.add({ x: index * 16, y: index * 16, width: 4, height: 4 })
  }
  expect(dirty.take()).toEqual([{ x: 0, y: 0, width: 260, height: 260 }])
})

test('never holds more pixels than the picture, and covers everything that was added', () => {
  fc.assert(
    fc.property(areas, (added) => {
      const dirty = new DirtyAreas(SIZE)
      for (const area of added) dirty.add(area)
      const taken = dirty.take()
      expect(taken.reduce((sum, area) => sum + pixelsOf(area), 0)).toBeLessThanOrEqual(
        pixelsOf(SIZE),
      )
      expect(taken.length).toBeLessThanOrEqual(16)
      for (const { x, y, width, height } of added) {
        for (const [px, py] of [
          [x, y],
          [x + width - 1, y + height - 1],
        ] as const) {
          const isInside = px >= 0 && py >= 0 && px < SIZE.width && py < SIZE.height
          if (!isInside || width === 0 || height === 0) continue
          const covering = taken.some(
            (area) =>
              px >= area.x && px < area.x + area.width && py >= area.y && py < area.y + area.height,
          )
          expect(covering).toBe(true)
        }
      }
    }),
  )
})
