import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Framebuffer } from '../../../../src/demo/host/picture/framebuffer.ts'
import { layoutCard } from '../../../../src/demo/host/picture/layout.ts'
import { colourIndex } from '../../../../src/demo/host/picture/palette.ts'
import { BARS, TestCard } from '../../../../src/demo/host/picture/test-card.ts'
import type { GrantNotice } from '../../../../src/protocol/index.ts'

const SIZE = { width: 640, height: 400 }
const CONNECTED_AT = Date.UTC(2026, 10, 21, 23, 59, 58, 900)

function card(name = 'web-01', size = SIZE) {
  const framebuffer = new Framebuffer(size)
  return { framebuffer, card: new TestCard(framebuffer, { name, connectedAtMs: CONNECTED_AT }) }
}

test('the bars have the colours of their names', () => {
  const { framebuffer } = card()
  const { bars } = layoutCard(SIZE)
  BARS.forEach((colour, index) => {
    const x = Math.floor(((index + 0.5) * SIZE.width) / BARS.length)
    expect(framebuffer.pixels[(bars.y + 5) * SIZE.width + x]).toBe(colourIndex(colour))
  })
})

test('two names are two pictures', () => {
  expect(card('web-01').framebuffer.pixels).not.toEqual(card('web-02').framebuffer.pixels)
})

test('a second changes digits in two panels, and nothing else', () => {
  const { framebuffer, card: drawn } = card()
  framebuffer.dirty.take()
  drawn.showTime(CONNECTED_AT + 1_000)
  const { panels } = layoutCard(SIZE)
  const changed = framebuffer.dirty.take()
  expect(changed).toHaveLength(2)
  expect(changed.map(({ x }) => panels.findIndex((panel) => x < panel.x + panel.width))).toEqual([
    1, 2,
  ])
})

test('midnight changes the date', () => {
  const { framebuffer, card: drawn } = card()
  drawn.showTime(CONNECTED_AT + 100)
  framebuffer.dirty.take()
  drawn.showTime(CONNECTED_AT + 1_100)
  const withDate = framebuffer.dirty.take().length
  expect(withDate).toBeGreaterThan(2)
})

test('typing changes only the line of typed keys', () => {
  const { framebuffer, card: drawn } = card()
  framebuffer.dirty.take()
  drawn.showTyped('ls')
  const { echo } = layoutCard(SIZE)
  for (const { y, height } of framebuffer.dirty.take()) {
    expect(y).toBeGreaterThan(echo.y)
    expect(y + height).toBeLessThan(echo.y + echo.height)
  }
})

test('draws any name and any text on any desktop without leaving it', () => {
  const sizes = fc.record({
    width: fc.integer({ min: 80, max: 300 }).map((step) => step * 4),
    height: fc.integer({ min: 200, max: 900 }),
  })
  fc.assert(
    fc.property(
      sizes,
      fc.string({ maxLength: 80 }),
      fc.string({ maxLength: 80 }),
      (size, name, typed) => {
        const { framebuffer, card: drawn } = card(name, size)
        drawn.showTyped(typed)
        expect(framebuffer.dirty.take()).toEqual([{ x: 0, y: 0, ...size }])
      },
    ),
    { numRuns: 15 },
  )
})

test('a grant is told below the name, with the time that is left of it', () => {
  const drawn = (options: { grant?: GrantNotice; nowMs?: number }) => {
    const framebuffer = new Framebuffer(SIZE)
    const { nowMs = CONNECTED_AT, ...rest } = options
    const shown = new TestCard(framebuffer, {
      name: 'web-01',
      connectedAtMs: CONNECTED_AT,
      ...rest,
    })
    shown.showTime(nowMs)
    const { x, y, width, height } = layoutCard(SIZE).headline
    const rows = Array.from({ length: height }, (_, row) => (y + row) * SIZE.width + x)
    return rows.map((start) => framebuffer.pixels.slice(start, start + width).join()).join()
  }
  const grant = { ref: '7K3M-Q2XD', expiresAt: Math.ceil(CONNECTED_AT / 1000) + 40 }
  const first = drawn({ grant })
  expect(first).not.toBe(drawn({}))
  expect(first).not.toBe(drawn({ grant: { ...grant, ref: '7K3M-Q2XE' } }))
  expect(first).not.toBe(drawn({ grant, nowMs: CONNECTED_AT + 1_000 }))
  const over = CONNECTED_AT + 60_000
  expect(drawn({ grant, nowMs: over })).toBe(drawn({ grant, nowMs: over + 1_000 }))
})
