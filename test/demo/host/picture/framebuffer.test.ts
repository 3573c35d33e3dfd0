import { expect, test } from 'vitest'
import { Framebuffer } from '../../../../src/demo/host/picture/framebuffer.ts'
import { colourIndex, inkIndexes } from '../../../../src/demo/host/picture/palette.ts'

const rows = (framebuffer: Framebuffer) =>
  Array.from({ length: framebuffer.size.height }, (_, row) => [
    ...framebuffer.pixels.subarray(
      row * framebuffer.size.width,
      (row + 1) * framebuffer.size.width,
    ),
  ])

test('fills what lies inside and marks it', () => {
  const framebuffer = new Framebuffer({ width: 8, height: 3 })
  framebuffer.fill({ x: 6, y: 1, width: 10, height: 10 }, 'red')
  const red = colourIndex('red')
  expect(rows(framebuffer)).toEqual([
    [0, 0, 0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, red, red],
    [0, 0, 0, 0, 0, 0, red, red],
  ])
  expect(framebuffer.dirty.take()).toEqual([{ x: 4, y: 1, width: 4, height: 2 }])
})

test('a frame leaves its inside alone', () => {
  const framebuffer = new Framebuffer({ width: 4, height: 4 })
  framebuffer.frame({ x: 0, y: 0, width: 4, height: 4 }, 'red', 1)
  const red = colourIndex('red')
  expect(rows(framebuffer)[1]).toEqual([red, 0, 0, red])
})

test('stamps letters with ink, paper and shades, cut at the edge', () => {
  const framebuffer = new Framebuffer({ width: 4, height: 2 })
  const indexes = inkIndexes('text', 'panel')
  const mask = { width: 2, height: 2, coverage: Uint8Array.of(0, 1, 2, 3) }
  framebuffer.stamp(3, -1, mask, indexes)
  expect(rows(framebuffer)).toEqual([
    [0, 0, 0, indexes[2]],
    [0, 0, 0, 0],
  ])
  framebuffer.stamp(0, 0, mask, indexes)
  expect(rows(framebuffer)[0]).toEqual([indexes[0], indexes[1], 0, indexes[2]])
})
