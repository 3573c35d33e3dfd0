import { Writer } from '../../../protocol/index.ts'
import type { Area } from '../picture/area.ts'
import type { ClientCapabilities } from './capabilities.ts'

/**
 * Bitmap updates, [MS-RDPBCGR] 2.2.9.1.1.3.1.2 (the data) and 2.2.9.1.2.1.2 (its fast-path form): the
 * only drawing message that every client understands.
 */

/** A compressed rectangle; `area.x` and `area.width` are multiples of 4, the data's rows are bottom up. */
export interface Tile {
  area: Area
  data: Uint8Array
}

export const BITS_PER_PIXEL = 16

/** Keeps an update under the 16,383 bytes of a slow-path message, and unfragmented on fast-path. */
export const MAX_UPDATE_BYTES = 16_000

const UPDATETYPE_BITMAP = 1
const BITMAP_COMPRESSION = 0x0001
const NO_BITMAP_COMPRESSION_HDR = 0x0400
const UPDATE_HEADER_BYTES = 2 /* updateType */ + 2 /* numberRectangles */
const RECTANGLE_HEADER_BYTES = 9 * 2
const COMPRESSION_HEADER_BYTES = 4 * 2

const FASTPATH_OUTPUT = 0
const FASTPATH_UPDATETYPE_BITMAP = 1
const FASTPATH_UPDATETYPE_PTR_DEFAULT = 6

/** Tiles in as few updates as the size limit allows: the bodies of the messages to send, in order. */
export function packTiles(
  tiles: Iterable<Tile>,
  capabilities: Pick<ClientCapabilities, 'noBitmapCompressionHeader'>,
): Buffer[] {
  const updates: Buffer[] = []
  let batch: Buffer[] = []
  let bytes = UPDATE_HEADER_BYTES
  for (const tile of tiles) {
    const rectangle = encodeRectangle(tile, capabilities.noBitmapCompressionHeader)
    if (bytes + rectangle.length > MAX_UPDATE_BYTES && batch.length > 0) {
      updates.push(encodeUpdate(batch))
      batch = []
      bytes = UPDATE_HEADER_BYTES
    }
    batch.push(rectangle)
    bytes += rectangle.length
  }
  if (batch.length > 0) updates.push(encodeUpdate(batch))
  return updates
}

/** A whole fast-path PDU with one update in one fragment, 2.2.9.1.2. */
export function encodeFastPathBitmap(update: Uint8Array): Buffer {
  return encodeFastPath(FASTPATH_UPDATETYPE_BITMAP, update)
}

/** Fast-path system pointer default, 2.2.9.1.2.1.6: the usual arrow. */
export function encodeFastPathDefaultPointer(): Buffer {
  return encodeFastPath(FASTPATH_UPDATETYPE_PTR_DEFAULT, new Uint8Array(0))
}

function encodeFastPath(updateCode: number, data: Uint8Array): Buffer {
  const shortLength = 1 /* header */ + 1 /* length */ + 1 /* code */ + 2 /* size */ + data.length
  const isShort = shortLength < 0x80
  const writer = new Writer(isShort ? shortLength : shortLength + 1).u8(FASTPATH_OUTPUT)
  if (isShort) writer.u8(shortLength)
  else writer.u16be(0x8000 | (shortLength + 1))
  return writer.u8(updateCode).u16le(data.length).bytes(data).finish()
}

function encodeUpdate(rectangles: Buffer[]): Buffer {
  const head = new Writer(UPDATE_HEADER_BYTES).u16le(UPDATETYPE_BITMAP).u16le(rectangles.length)
  return Buffer.concat([head.finish(), ...rectangles])
}

/** TS_BITMAP_DATA, 2.2.9.1.1.3.1.2.2. */
function encodeRectangle({ area, data }: Tile, noHeader: boolean): Buffer {
  const { x, y, width, height } = area
  const length = data.length + (noHeader ? 0 : COMPRESSION_HEADER_BYTES)
  const writer = new Writer(RECTANGLE_HEADER_BYTES + length)
    .u16le(x)
    .u16le(y)
    .u16le(x + width - 1)
    .u16le(y + height - 1)
    .u16le(width)
    .u16le(height)
    .u16le(BITS_PER_PIXEL)
    .u16le(noHeader ? BITMAP_COMPRESSION | NO_BITMAP_COMPRESSION_HDR : BITMAP_COMPRESSION)
    .u16le(length)
  if (!noHeader) {
    // TS_CD_HEADER, 2.2.9.1.1.3.1.2.3: no first row, body size, scan width, size when decoded.
    writer
      .u16le(0)
      .u16le(data.length)
      .u16le(width)
      .u16le((width * height * BITS_PER_PIXEL) / 8)
  }
  return writer.bytes(data).finish()
}
