import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Area } from '../../../../src/demo/host/picture/area.ts'
import { layoutCard } from '../../../../src/demo/host/picture/layout.ts'
import { textHeight, textWidth } from '../../../../src/demo/host/picture/text-line.ts'

const sizes = fc.record({
  width: fc.integer({ min: 80, max: 1024 }).map((step) => step * 4),
  height: fc.integer({ min: 200, max: 2304 }),
})

const bottom = ({ y, height }: Area) => y + height

test('everything has its place, one below the other, on any desktop', () => {
  fc.assert(
    fc.property(sizes, (size) => {
      const { header, headline, panels, echo, bars, headlineScale } = layoutCard(size)
      expect(header.y).toBe(0)
      expect(headline.y).toBe(bottom(header))
      expect(panels[0].y).toBe(bottom(headline))
      expect(echo.y).toBeGreaterThan(bottom(panels[0]))
      expect(bars.y).toBeGreaterThan(bottom(echo))
      expect(bottom(bars)).toBe(size.height)
      expect(headline.height).toBeGreaterThanOrEqual(textHeight(1))
      expect(headlineScale).toBeGreaterThanOrEqual(2)
    }),
  )
})

test('panels stand side by side, as wide together as the line below them', () => {
  fc.assert(
    fc.property(sizes, (size) => {
      const { panels, echo } = layoutCard(size)
      const [first, second, third] = panels
      expect(first.x).toBe(echo.x)
      expect(second.x).toBeGreaterThan(first.x + first.width)
      expect(third.x).toBeGreaterThan(second.x + second.width)
      expect(third.x + third.width).toBe(echo.x + echo.width)
    }),
  )
})

test('a panel has room for a clock and its two labels', () => {
  fc.assert(
    fc.property(sizes, (size) => {
      const { panels, padding, valueScale, labelScale } = layoutCard(size)
      for (const panel of panels) {
        expect(textWidth('23:59:59'.length, valueScale)).toBeLessThanOrEqual(panel.width - padding)
        expect(textHeight(valueScale) + 2 * textHeight(labelScale)).toBeLessThan(panel.height)
      }
    }),
  )
})
