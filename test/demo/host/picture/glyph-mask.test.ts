import fc from 'fast-check'
import { expect, test } from 'vitest'
import { glyphRows } from '../../../../src/demo/host/picture/font.ts'
import { FULL_COVERAGE, glyphMask } from '../../../../src/demo/host/picture/glyph-mask.ts'

const printable = fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code))

function draw({ width, coverage }: { width: number; coverage: Uint8Array }): string[] {
  const rows = Array.from({ length: coverage.length / width }, (_, row) =>
    coverage.subarray(row * width, (row + 1) * width),
  )
  return rows.map((row) => [...row].map((value) => (value === 0 ? '.' : '#')).join(''))
}

test('at scale 1 it is the font', () => {
  expect(draw(glyphMask('medium', 'A', 1)).slice(3, 12)).toEqual([
    '...##...',
    '..#..#..',
    '.#....#.',
    '.#....#.',
    '.#....#.',
    '.######.',
    '.#....#.',
    '.#....#.',
    '.#....#.',
  ])
})

test('a character that the font lacks is a question mark', () => {
  expect(glyphRows('bold', 'é')).toEqual(glyphRows('bold', '?'))
  expect(glyphRows('bold', '')).toEqual(glyphRows('bold', '?'))
})

test('larger letters have the size asked for and full, empty and partly covered pixels', () => {
  const mask = glyphMask('bold', 'O', 6)
  expect(mask).toMatchObject({ width: 48, height: 96 })
  expect(new Set(mask.coverage)).toEqual(new Set([0, 1, 2, FULL_COVERAGE]))
})

test('a pixel in the middle of a stroke or of paper stays what it is at any size', () => {
  fc.assert(
    fc.property(printable, fc.integer({ min: 3, max: 9 }), (character, scale) => {
      const large = glyphMask('medium', character, scale)
      const small = glyphMask('medium', character, 1)
      const half = Math.floor(scale / 2)
      small.coverage.forEach((value, index) => {
        const x = (index % small.width) * scale + half
        const y = Math.floor(index / small.width) * scale + half
        const centre = large.coverage[y * large.width + x] ?? 0
        expect(centre >= FULL_COVERAGE / 2).toBe(value === FULL_COVERAGE)
      })
    }),
    { numRuns: 40 },
  )
})
