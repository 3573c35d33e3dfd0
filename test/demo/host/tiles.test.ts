import { expect, test } from 'vitest'
import { Framebuffer } from '../../../src/demo/host/picture/framebuffer.ts'
import { colourIndex, PALETTE_RGB565 } from '../../../src/demo/host/picture/palette.ts'
import { TestCard } from '../../../src/demo/host/picture/test-card.ts'
import { encodeTiles } from '../../../src/demo/host/tiles.ts'
import { packTiles } from '../../../src/demo/host/wire/bitmap-update.ts'
import { decodeRle } from '../../helpers/rle-decoder.ts'

test('cuts an area into tiles of at most 64x64 that cover it', () => {
  const framebuffer = new Framebuffer({ width: 200, height: 100 })
  const tiles = [...encodeTiles(framebuffer, { x: 4, y: 2, width: 132, height: 70 })]
  expect(tiles.map(({ area }) => area)).toEqual([
    { x: 4, y: 2, width: 64, height: 64 },
    { x: 68, y: 2, width: 64, height: 64 },
    { x: 132, y: 2, width: 4, height: 64 },
    { x: 4, y: 66, width: 64, height: 6 },
    { x: 68, y: 66, width: 64, height: 6 },
    { x: 132, y: 66, width: 4, height: 6 },
  ])
})

test('rows go bottom up', () => {
  const framebuffer = new Framebuffer({ width: 4, height: 2 })
  framebuffer.fill({ x: 0, y: 0, width: 4, height: 1 }, 'red')
  framebuffer.fill({ x: 0, y: 1, width: 4, height: 1 }, 'blue')
  const [tile] = [...encodeTiles(framebuffer, { x: 0, y: 0, width: 4, height: 2 })]
  const red = PALETTE_RGB565[colourIndex('red')]
  const blue = PALETTE_RGB565[colourIndex('blue')]
  expect([...decodeRle(tile?.data ?? Buffer.alloc(0), 8)]).toEqual([
    ...Array(4).fill(blue),
    ...Array(4).fill(red),
  ])
})

test('a whole card is small: 43 KB at 1024x768, soft edges of letters included', () => {
  const size = { width: 1024, height: 768 }
  const framebuffer = new Framebuffer(size)
  new TestCard(framebuffer, { name: 'web-01', connectedAtMs: 0 })
  const tiles = encodeTiles(framebuffer, { x: 0, y: 0, ...size })
  const updates = packTiles(tiles, { noBitmapCompressionHeader: true })
  const bytes = updates.reduce((sum, { length }) => sum + length, 0)
  expect(bytes).toBeLessThan(48_000)
})
