import { type Area, clipArea, pixelsOf, type Size, unite } from './area.ts'

/** More areas than this become the one around them all. */
const MAX_AREAS = 16
/** Bitmap rectangles begin and end at multiples of this. */
const COLUMN_STEP = 4

/**
 * Which parts of a picture have changed since they were last sent.
 *
 * INVARIANT: all areas together never cover more than the picture, however often a client asks for a
 * repaint; otherwise one Refresh Rect of 2 KB makes megabytes of output.
 */
export class DirtyAreas {
  readonly #size: Size
  #areas: Area[] = []

  /** @param size of the picture; its width a multiple of 4 */
  constructor(size: Size) {
    this.#size = size
  }

  get isEmpty(): boolean {
    return this.#areas.length === 0
  }

  /** Parts outside of the picture are cut off; columns grow to multiples of 4. */
  add(area: Area): void {
    const inside = clipArea(area, this.#size)
    if (inside === undefined) return
    this.#join(alignColumns(inside))
    const pixels = this.#areas.reduce((sum, known) => sum + pixelsOf(known), 0)
    if (this.#areas.length > MAX_AREAS || pixels > pixelsOf(this.#size)) {
      this.#areas = [this.#areas.reduce(unite)]
    }
  }

  addAll(): void {
    this.#areas = [{ x: 0, y: 0, ...this.#size }]
  }

  /** The areas, which are clean from now on. */
  take(): Area[] {
    const areas = this.#areas
    this.#areas = []
    return areas
  }

  /** Areas that together are a rectangle, or hold each other, become one: a word, not its letters. */
  #join(added: Area): void {
    const partner = this.#areas.find((known) => joinsForFree(known, added))
    if (partner === undefined) {
      this.#areas.push(added)
      return
    }
    this.#areas = this.#areas.filter((known) => known !== partner)
    this.#join(unite(partner, added))
  }
}

function joinsForFree(a: Area, b: Area): boolean {
  return pixelsOf(unite(a, b)) <= pixelsOf(a) + pixelsOf(b)
}

function alignColumns({ x, y, width, height }: Area): Area {
  const left = x - (x % COLUMN_STEP)
  const right = Math.ceil((x + width) / COLUMN_STEP) * COLUMN_STEP
  return { x: left, y, width: right - left, height }
}
