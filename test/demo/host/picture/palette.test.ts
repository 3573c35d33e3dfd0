import { expect, test } from 'vitest'
import {
  colourIndex,
  inkIndexes,
  PALETTE,
  PALETTE_RGB565,
  rgbOf,
} from '../../../../src/demo/host/picture/palette.ts'

test('an index fits the byte that a framebuffer has for it', () => {
  expect(PALETTE.length).toBeLessThanOrEqual(256)
  expect(PALETTE_RGB565).toHaveLength(PALETTE.length)
})

test('named colours survive 16 bits within one step of their channel', () => {
  const names = ['background', 'panel', 'line', 'text', 'dim', 'accent', 'yellow'] as const
  for (const name of names) {
    const value = PALETTE_RGB565[colourIndex(name)] ?? 0
    const widened = [(value >> 11) * 8.226, ((value >> 5) & 63) * 4.048, (value & 31) * 8.226]
    rgbOf(name).forEach((channel, index) => {
      expect(Math.abs(channel - (widened[index] ?? 0))).toBeLessThanOrEqual(1)
    })
  }
})

test('shades lead from paper to ink', () => {
  const shades = [...inkIndexes('text', 'panel')].map((index) => PALETTE[index]?.[0])
  expect(shades).toEqual([24, 98, 173, 247])
})

test('every pair of ink and paper has shades of its own', () => {
  const pairs = (['text', 'dim', 'accent'] as const).flatMap((ink) =>
    (['background', 'panel'] as const).map((paper) => inkIndexes(ink, paper)[1]),
  )
  expect(new Set(pairs).size).toBe(pairs.length)
})
