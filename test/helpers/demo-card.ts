import { type Area, clipArea, type Size } from '../../src/demo/host/picture/area.ts'
import { Framebuffer } from '../../src/demo/host/picture/framebuffer.ts'
import { layoutCard } from '../../src/demo/host/picture/layout.ts'
import { PALETTE } from '../../src/demo/host/picture/palette.ts'
import { TestCard } from '../../src/demo/host/picture/test-card.ts'
import type { GrantNotice } from '../../src/protocol/index.ts'
import { type Colour, isNear } from './screenshot.ts'

/** 16-bit colour moves a channel by 4 at most. */
const TOLERANCE = 6

/** Anything whose pixels can be asked for: a screenshot, a test client's picture. */
export interface Picture {
  at(x: number, y: number): Colour
}

export interface ExpectedCard {
  /** The machine's name on the card. */
  name: string
  /** The desktop's size; its top left corner is the picture's. */
  size: Size
  typed?: string
  /** What opened it, for a machine behind a host agent. */
  grant?: GrantNotice
}

/**
 * Whether the picture shows the test card of this machine: header, name and colour bars, pixel by pixel.
 * With `typed`, the line of typed keys too.
 */
export function showsCard(picture: Picture, { name, size, typed, grant }: ExpectedCard): boolean {
  const { header, headline, bars, echo } = layoutCard(size)
  const areas = typed === undefined ? [header, headline, bars] : [header, headline, bars, echo]
  return candidateTimes(grant).some((nowMs) => {
    const expected = drawCard({ name, size, typed: typed ?? '' }, { nowMs, grant })
    return areas.every((area) => isSame(picture, expected, area, size))
  })
}

/** The time that is left of a grant changes every second; a picture may be some of them old, on a busy machine more. */
function candidateTimes(grant: GrantNotice | undefined): number[] {
  if (grant === undefined) return [0]
  return Array.from({ length: 12 }, (_, seconds) => Date.now() - seconds * 1000)
}

/** Where the card shows the time: differs a second later. */
export function clockArea(size: Size): Area {
  return layoutCard(size).panels[1]
}

/** Pixels of an area as one value to compare. */
export function pixelsIn(picture: Picture, { x, y, width, height }: Area): string {
  const colours: Colour[] = []
  for (let row = y; row < y + height; row += 1) {
    for (let column = x; column < x + width; column += 1) colours.push(picture.at(column, row))
  }
  return colours.join(' ')
}

function drawCard(
  { name, size, typed }: Required<Omit<ExpectedCard, 'grant'>>,
  { nowMs, grant }: { nowMs: number; grant: GrantNotice | undefined },
): Framebuffer {
  const framebuffer = new Framebuffer(size)
  const options = { name, connectedAtMs: nowMs, ...(grant === undefined ? {} : { grant }) }
  new TestCard(framebuffer, options).showTyped(typed)
  return framebuffer
}

function isSame(picture: Picture, expected: Framebuffer, area: Area, size: Size): boolean {
  const inside = clipArea(area, size)
  if (inside === undefined) return true
  const { x, y, width, height } = inside
  for (let row = y; row < y + height; row += 1) {
    for (let column = x; column < x + width; column += 1) {
      const colour = PALETTE[expected.pixels[row * size.width + column] ?? 0] ?? [0, 0, 0]
      if (!isNear(picture.at(column, row), colour, TOLERANCE)) return false
    }
  }
  return true
}
