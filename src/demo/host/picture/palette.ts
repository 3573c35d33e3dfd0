import { FULL_COVERAGE } from './glyph-mask.ts'

/** Red, green, blue, each 0 to 255. */
export type Rgb = readonly [number, number, number]

/** Colours of the test card by name; each is one that 16 bits can say, so that it arrives as it is. */
const COLOURS = {
  background: 0x081421,
  panel: 0x182439,
  line: 0x293c52,
  text: 0xf7f6ff,
  dim: 0x8ca6bd,
  accent: 0x42aaff,
  white: 0xffffff,
  yellow: 0xffff00,
  cyan: 0x00ffff,
  green: 0x00ff00,
  magenta: 0xff00ff,
  red: 0xff0000,
  blue: 0x0000ff,
  black: 0x000000,
} as const

export type ColourName = keyof typeof COLOURS

/** What letters are drawn with, and on. */
const INKS = ['text', 'dim', 'accent'] as const
const PAPERS = ['background', 'panel'] as const
export type Ink = (typeof INKS)[number]
export type Paper = (typeof PAPERS)[number]

// Object.keys knows no literal types; COLOURS is the only source of both.
const NAMES = Object.keys(COLOURS) as ColourName[]
const EDGE_SHADES = FULL_COVERAGE - 1

/**
 * All colours of a framebuffer, which holds one byte, the index into this, per pixel: the named ones,
 * then the shades between each ink and paper.
 */
export const PALETTE: readonly Rgb[] = [
  ...NAMES.map(rgbOf),
  ...INKS.flatMap((ink) => PAPERS.flatMap((paper) => shadesBetween(rgbOf(paper), rgbOf(ink)))),
]

/** The palette in 16 bits, r5 g6 b5: what goes to the client. */
export const PALETTE_RGB565 = Uint16Array.from(
  PALETTE,
  ([red, green, blue]) => (scaled(red, 31) << 11) | (scaled(green, 63) << 5) | scaled(blue, 31),
)

export function colourIndex(name: ColourName): number {
  return NAMES.indexOf(name)
}

/** Palette indexes by coverage, from paper to ink. */
export function inkIndexes(ink: Ink, paper: Paper): Uint8Array {
  const pair = INKS.indexOf(ink) * PAPERS.length + PAPERS.indexOf(paper)
  const first = NAMES.length + pair * EDGE_SHADES
  const shades = Array.from({ length: EDGE_SHADES }, (_, index) => first + index)
  return Uint8Array.from([colourIndex(paper), ...shades, colourIndex(ink)])
}

export function rgbOf(name: ColourName): Rgb {
  const value = COLOURS[name]
  return [value >> 16, (value >> 8) & 0xff, value & 0xff]
}

/** Nearest, not next lower: dark colours would lose their tint. */
function scaled(channel: number, max: number): number {
  return Math.round((channel * max) / 255)
}

function shadesBetween(from: Rgb, to: Rgb): Rgb[] {
  return Array.from({ length: EDGE_SHADES }, (_, index) => {
    const part = (index + 1) / FULL_COVERAGE
    const mix = (channel: 0 | 1 | 2) =>
      Math.round(from[channel] + (to[channel] - from[channel]) * part)
    return [mix(0), mix(1), mix(2)]
  })
}
