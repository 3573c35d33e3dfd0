import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeRle, maxEncodedBytes } from '../../../../src/demo/host/wire/rle.ts'
import { hex } from '../../../helpers/hex.ts'
import { decodeRle } from '../../../helpers/rle-decoder.ts'

function encode(pixels: Uint16Array): Buffer {
  const target = Buffer.alloc(maxEncodedBytes(pixels.length))
  return target.subarray(0, encodeRle(pixels, target))
}

const flat = (length: number, colour = 0x1234) => new Uint16Array(length).fill(colour)

/** Runs of few colours, as a test card has them; and noise, as a photograph. */
const pictures = fc.oneof(
  fc
    .array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 400 })), { minLength: 1, maxLength: 30 })
    .map((runs) => Uint16Array.from(runs.flatMap(([colour, n]) => Array(n).fill(colour * 999)))),
  fc.uint16Array({ minLength: 1, maxLength: 700 }),
)

test('pictures come back as they were encoded, within the promised size', () => {
  fc.assert(
    fc.property(pictures, (pixels) => {
      const bytes = encode(pixels)
      expect(bytes.length).toBeLessThanOrEqual(maxEncodedBytes(pixels.length))
      expect(decodeRle(bytes, pixels.length)).toEqual(pixels)
    }),
  )
})

test.each([
  ['a short run', flat(31), '7f 34 12'],
  ['a run with a length byte', flat(32), '60 00 34 12'],
  ['the longest of these', flat(287), '60 ff 34 12'],
  ['a run with a 16-bit length', flat(288), 'f3 20 01 34 12'],
  ['a tile', flat(4096), 'f3 00 10 34 12'],
  ['two pixels, cheaper as an image', flat(2), '82 34 12 34 12'],
])('writes %s', (_, pixels, text) => {
  expect(encode(pixels)).toEqual(hex(text))
})

test('a run longer than 16 bits can say is split', () => {
  const pixels = flat(70_000)
  expect(decodeRle(encode(pixels), 70_000)).toEqual(pixels)
})

test('an image longer than 16 bits can say is split', () => {
  const pixels = Uint16Array.from({ length: 70_000 }, (_, index) => index & 0xffff)
  expect(decodeRle(encode(pixels), 70_000)).toEqual(pixels)
})
