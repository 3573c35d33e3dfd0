/**
 * Interleaved run-length encoding of 16-bit bitmaps, [MS-RDPBCGR] 2.2.9.1.1.3.1.2.4, with two of its
 * orders only: colour run and colour image. Neither looks at the row before, so the first-row rules and
 * the orders that go with them are not needed; flat areas and text are small all the same.
 */

/** REGULAR_COLOR_RUN, REGULAR_COLOR_IMAGE: the length in the lower five bits, or in a second byte. */
const COLOR_RUN = 0x60
const COLOR_IMAGE = 0x80
/** The same with a 16-bit length. */
const MEGA_COLOR_RUN = 0xf3
const MEGA_COLOR_IMAGE = 0xf4

const MAX_SHORT_LENGTH = 31
const MAX_BYTE_LENGTH = 32 + 255
const MAX_LENGTH = 0xffff
/** Shorter runs cost less inside an image: 3 bytes against 2 a pixel. */
const MIN_RUN = 3
const BYTES_PER_PIXEL = 2

/**
 * Most that `pixels` pixels can take: a run saves at least the three bytes that the header of the image
 * in front of it costs, so only an image without a run after it adds to the pixels themselves.
 */
export function maxEncodedBytes(pixels: number): number {
  return pixels * BYTES_PER_PIXEL + 3 * Math.ceil(pixels / MAX_LENGTH)
}

/**
 * Encodes pixels in the order in which they stand (RDP wants rows bottom up; runs may cross rows).
 *
 * @param target room for `maxEncodedBytes`
 * @returns how many bytes of the target were written
 */
export function encodeRle(pixels: Uint16Array, target: Uint8Array): number {
  let offset = 0
  let imageStart = 0
  let index = 0
  while (index < pixels.length) {
    const run = runLength(pixels, index)
    if (run >= MIN_RUN) {
      offset = writeImage(pixels.subarray(imageStart, index), target, offset)
      offset = writeHeader(target, offset, { short: COLOR_RUN, mega: MEGA_COLOR_RUN }, run)
      offset = writePixel(target, offset, pixels[index] ?? 0)
      imageStart = index + run
    }
    index += run
  }
  return writeImage(pixels.subarray(imageStart), target, offset)
}

function runLength(pixels: Uint16Array, start: number): number {
  const colour = pixels[start]
  const end = Math.min(pixels.length, start + MAX_LENGTH)
  let index = start + 1
  while (index < end && pixels[index] === colour) index += 1
  return index - start
}

function writeImage(pixels: Uint16Array, target: Uint8Array, start: number): number {
  let offset = start
  for (let from = 0; from < pixels.length; from += MAX_LENGTH) {
    const part = pixels.subarray(from, from + MAX_LENGTH)
    offset = writeHeader(
      target,
      offset,
      { short: COLOR_IMAGE, mega: MEGA_COLOR_IMAGE },
      part.length,
    )
    for (const pixel of part) offset = writePixel(target, offset, pixel)
  }
  return offset
}

function writeHeader(
  target: Uint8Array,
  start: number,
  order: { short: number; mega: number },
  length: number,
): number {
  let offset = start
  if (length <= MAX_SHORT_LENGTH) {
    target[offset++] = order.short | length
  } else if (length <= MAX_BYTE_LENGTH) {
    target[offset++] = order.short
    target[offset++] = length - 32
  } else {
    target[offset++] = order.mega
    target[offset++] = length & 0xff
    target[offset++] = length >> 8
  }
  return offset
}

function writePixel(target: Uint8Array, offset: number, pixel: number): number {
  target[offset] = pixel & 0xff
  target[offset + 1] = pixel >> 8
  return offset + 2
}
