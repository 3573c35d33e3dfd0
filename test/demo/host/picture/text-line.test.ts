import { expect, test } from 'vitest'
import { Framebuffer } from '../../../../src/demo/host/picture/framebuffer.ts'
import { TextLine, textHeight, textWidth } from '../../../../src/demo/host/picture/text-line.ts'

const STYLE = { face: 'medium', scale: 2, ink: 'text', paper: 'panel' } as const

function line(columns = 10) {
  const framebuffer = new Framebuffer({ width: 200, height: 40 })
  return { framebuffer, text: new TextLine(framebuffer, { x: 8, y: 4, columns }, STYLE) }
}

test('marks only the characters that changed', () => {
  const { framebuffer, text } = line()
  text.show('12:00:59')
  framebuffer.dirty.take()
  text.show('12:01:00')
  expect(framebuffer.dirty.take()).toEqual([
    { x: 8 + 4 * 16, y: 4, width: 16, height: 32 },
    { x: 8 + 6 * 16, y: 4, width: 32, height: 32 },
  ])
})

test('the same text again marks nothing', () => {
  const { framebuffer, text } = line()
  text.show('same')
  framebuffer.dirty.take()
  text.show('same')
  expect(framebuffer.dirty.isEmpty).toBe(true)
})

test('a shorter text wipes the rest of the longer one', () => {
  const { framebuffer, text } = line()
  text.show('long')
  const { framebuffer: fresh, text: short } = line()
  short.show('l   ')
  text.show('l')
  expect(framebuffer.pixels).toEqual(fresh.pixels)
})

test('cuts what does not fit', () => {
  const { framebuffer, text } = line(3)
  text.show('abcdef')
  expect(framebuffer.dirty.take()).toEqual([{ x: 8, y: 4, width: 48, height: 32 }])
})

test('anything but printable ASCII is a question mark', () => {
  const { framebuffer, text } = line()
  text.show('\u001b[é')
  const { framebuffer: fresh, text: plain } = line()
  plain.show('?[?')
  expect(framebuffer.pixels).toEqual(fresh.pixels)
})

test('sizes are those of the font times the scale', () => {
  expect(textWidth(3, 2)).toBe(48)
  expect(textHeight(2)).toBe(32)
})
