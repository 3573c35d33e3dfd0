import { type Area, clipArea, type Size } from './area.ts'
import { DirtyAreas } from './dirty-areas.ts'
import type { GlyphMask } from './glyph-mask.ts'
import { type ColourName, colourIndex } from './palette.ts'

/** A picture of palette indexes that remembers which parts of it changed. */
export class Framebuffer {
  readonly size: Size
  readonly dirty: DirtyAreas
  /** Rows top down, one index into `PALETTE` per pixel. */
  readonly pixels: Uint8Array

  /** @param size in pixels; the width a multiple of 4 */
  constructor(size: Size) {
    this.size = size
    this.dirty = new DirtyAreas(size)
    this.pixels = new Uint8Array(size.width * size.height)
  }

  fill(area: Area, colour: ColourName): void {
    const inside = clipArea(area, this.size)
    if (inside === undefined) return
    const index = colourIndex(colour)
    for (let y = inside.y; y < inside.y + inside.height; y += 1) {
      const start = y * this.size.width + inside.x
      this.pixels.fill(index, start, start + inside.width)
    }
    this.dirty.add(inside)
  }

  /** Lines of `thickness` pixels along the inside of the area's edge. */
  frame(area: Area, colour: ColourName, thickness: number): void {
    const { x, y, width, height } = area
    this.fill({ x, y, width, height: thickness }, colour)
    this.fill({ x, y: y + height - thickness, width, height: thickness }, colour)
    this.fill({ x, y, width: thickness, height }, colour)
    this.fill({ x: x + width - thickness, y, width: thickness, height }, colour)
  }

  /**
   * Draws a letter with its top left corner at (x, y), paper included.
   *
   * @param indexes palette indexes by coverage, from `inkIndexes`
   */
  stamp(x: number, y: number, mask: GlyphMask, indexes: Uint8Array): void {
    const area = { x, y, width: mask.width, height: mask.height }
    const inside = clipArea(area, this.size)
    if (inside === undefined) return
    for (let row = inside.y; row < inside.y + inside.height; row += 1) {
      const source = (row - y) * mask.width - x
      const target = row * this.size.width
      for (let column = inside.x; column < inside.x + inside.width; column += 1) {
        const coverage = mask.coverage[source + column] ?? 0
        this.pixels[target + column] = indexes[coverage] ?? 0
      }
    }
    this.dirty.add(inside)
  }
}
