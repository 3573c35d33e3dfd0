/**
 * Decodes 16-bit interleaved RLE, [MS-RDPBCGR] 2.2.9.1.1.3.1.2.4, as far as our encoder writes it:
 * colour runs and colour images of all three length forms.
 */
export function decodeRle(bytes: Uint8Array, pixelCount: number): Uint16Array {
  const pixels = new Uint16Array(pixelCount)
  const data = Buffer.from(bytes)
  let offset = 0
  let written = 0
  const u8 = () => data.readUInt8(offset++)
  const u16 = () => {
    offset += 2
    return data.readUInt16LE(offset - 2)
  }
  while (offset < data.length) {
    const header = u8()
    const { isRun, length } = readOrder(header, u8, u16)
    if (isRun) pixels.fill(u16(), written, written + length)
    else for (let index = 0; index < length; index += 1) pixels[written + index] = u16()
    written += length
  }
  if (written !== pixelCount) throw new Error(`${written} pixels, need ${pixelCount}`)
  return pixels
}

function readOrder(header: number, u8: () => number, u16: () => number) {
  if (header === 0xf3) return { isRun: true, length: u16() }
  if (header === 0xf4) return { isRun: false, length: u16() }
  const order = header & 0xe0
  if (order !== 0x60 && order !== 0x80) throw new Error(`unknown order ${header.toString(16)}`)
  const short = header & 0x1f
  return { isRun: order === 0x60, length: short === 0 ? u8() + 32 : short }
}
