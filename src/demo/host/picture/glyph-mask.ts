import { type Face, GLYPH_HEIGHT, GLYPH_WIDTH, glyphRows } from './font.ts'

/** Coverage of a pixel by ink goes from 0 (none) to this (all). */
export const FULL_COVERAGE = 3

/** A letter's shape at some size: rows top down, one coverage per pixel. */
export interface GlyphMask {
  width: number
  height: number
  coverage: Uint8Array
}

/**
 * Where between paper and ink the edge of a stroke runs. In the middle, the steps of a diagonal would
 * only just touch; a little towards the paper they join.
 */
const EDGE = 0.42

/**
 * A character `scale` times as large as the font has it. The font's bits are read as a surface, bent
 * linearly between their centres, and cut at `EDGE`: diagonals become straight, corners round, and the
 * pixels on an edge are covered in part, so that an 8x13 font makes a headline that pleases the eye.
 *
 * @param scale 1 or more; at 1 the font's own pixels
 */
export function glyphMask(face: Face, character: string, scale: number): GlyphMask {
  const rows = glyphRows(face, character)
  const bit = (x: number, y: number) => {
    const inside = x >= 0 && x < GLYPH_WIDTH && y >= 0 && y < GLYPH_HEIGHT
    return inside ? ((rows[y] ?? 0) >> (GLYPH_WIDTH - 1 - x)) & 1 : 0
  }
  const width = GLYPH_WIDTH * scale
  const height = GLYPH_HEIGHT * scale
  const coverage = new Uint8Array(width * height)
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const ink = surfaceAt(bit, (x + 0.5) / scale - 0.5, (y + 0.5) / scale - 0.5)
      // The surface rises by 1 within one of the font's pixels, that is by 1/scale within one of ours.
      const covered = scale === 1 ? ink : Math.min(1, Math.max(0, (ink - EDGE) * scale + 0.5))
      coverage[y * width + x] = Math.round(covered * FULL_COVERAGE)
    }
  }
  return { width, height, coverage }
}

function surfaceAt(bit: (x: number, y: number) => number, x: number, y: number): number {
  const left = Math.floor(x)
  const top = Math.floor(y)
  const right = x - left
  const down = y - top
  const upper = bit(left, top) * (1 - right) + bit(left + 1, top) * right
  const lower = bit(left, top + 1) * (1 - right) + bit(left + 1, top + 1) * right
  return upper * (1 - down) + lower * down
}
