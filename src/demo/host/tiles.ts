import { type Area, pixelsOf } from './picture/area.ts'
import type { Framebuffer } from './picture/framebuffer.ts'
import { PALETTE_RGB565 } from './picture/palette.ts'
import type { Tile } from './wire/bitmap-update.ts'
import { encodeRle, maxEncodedBytes } from './wire/rle.ts'

/** Windows sends tiles of at most this size, and mstsc sees nothing else. */
const TILE_SIZE = 64

/** An area of the picture as compressed tiles. @param area columns aligned to 4, inside of the picture */
export function* encodeTiles(framebuffer: Framebuffer, area: Area): Generator<Tile> {
  for (const tile of splitArea(area)) {
    yield { area: tile, data: encodeTile(framebuffer, tile) }
  }
}

function* splitArea({ x, y, width, height }: Area): Generator<Area> {
  for (let top = 0; top < height; top += TILE_SIZE) {
    for (let left = 0; left < width; left += TILE_SIZE) {
      yield {
        x: x + left,
        y: y + top,
        width: Math.min(TILE_SIZE, width - left),
        height: Math.min(TILE_SIZE, height - top),
      }
    }
  }
}

function encodeTile({ pixels, size }: Framebuffer, tile: Area): Uint8Array {
  const colours = new Uint16Array(pixelsOf(tile))
  let index = 0
  for (let row = tile.y + tile.height - 1; row >= tile.y; row -= 1) {
    const start = row * size.width + tile.x
    for (const pixel of pixels.subarray(start, start + tile.width)) {
      colours[index] = PALETTE_RGB565[pixel] ?? 0
      index += 1
    }
  }
  const target = Buffer.alloc(maxEncodedBytes(colours.length))
  return target.subarray(0, encodeRle(colours, target))
}
