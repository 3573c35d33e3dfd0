import { type Face, GLYPH_HEIGHT, GLYPH_WIDTH } from './font.ts'
import type { Framebuffer } from './framebuffer.ts'
import { type GlyphMask, glyphMask } from './glyph-mask.ts'
import { type Ink, inkIndexes, type Paper } from './palette.ts'

export interface TextStyle {
  face: Face
  scale: number
  ink: Ink
  paper: Paper
}

export interface TextPlace {
  x: number
  y: number
  /** How many characters fit; longer text is cut at its end. */
  columns: number
}

export function textWidth(columns: number, scale: number): number {
  return columns * GLYPH_WIDTH * scale
}

export function textHeight(scale: number): number {
  return GLYPH_HEIGHT * scale
}

/** One line of text at one place. Showing another text draws only the characters that differ. */
export class TextLine {
  readonly #framebuffer: Framebuffer
  readonly #place: TextPlace
  readonly #style: TextStyle
  readonly #indexes: Uint8Array
  /** Letters of this line drawn so far; at most one per character of the font. */
  readonly #masks = new Map<string, GlyphMask>()
  #shown = ''

  constructor(framebuffer: Framebuffer, place: TextPlace, style: TextStyle) {
    this.#framebuffer = framebuffer
    this.#place = place
    this.#style = style
    this.#indexes = inkIndexes(style.ink, style.paper)
  }

  /** @param text printable ASCII; anything else becomes a question mark */
  show(text: string): void {
    const next = text
      .slice(0, this.#place.columns)
      .replaceAll(/[^\x20-\x7e]/g, '?')
      .padEnd(this.#shown.length)
    for (let column = 0; column < next.length; column += 1) {
      const character = next.charAt(column)
      if (character !== this.#shown.charAt(column)) this.#draw(column, character)
    }
    this.#shown = next
  }

  #draw(column: number, character: string): void {
    const { face, scale } = this.#style
    let mask = this.#masks.get(character)
    if (mask === undefined) {
      mask = glyphMask(face, character, scale)
      this.#masks.set(character, mask)
    }
    const x = this.#place.x + textWidth(column, scale)
    this.#framebuffer.stamp(x, this.#place.y, mask, this.#indexes)
  }
}
