import { expect, test } from 'vitest'
import {
  encodeFastPathBitmap,
  encodeFastPathDefaultPointer,
  MAX_UPDATE_BYTES,
  packTiles,
  type Tile,
} from '../../../../src/demo/host/wire/bitmap-update.ts'
import { hex } from '../../../helpers/hex.ts'

const tile = (bytes: number): Tile => ({
  area: { x: 64, y: 128, width: 64, height: 32 },
  data: Buffer.alloc(bytes, 0xaa),
})

test('writes a compressed rectangle with inclusive edges', () => {
  expect(packTiles([tile(2)], { noBitmapCompressionHeader: true })).toEqual([
    hex('01 00 01 00  40 00 80 00 7f 00 9f 00 40 00 20 00 10 00 01 04 02 00  aa aa'),
  ])
})

test('adds the compression header for clients that need it', () => {
  expect(packTiles([tile(2)], { noBitmapCompressionHeader: false })).toEqual([
    hex(
      '01 00 01 00  40 00 80 00 7f 00 9f 00 40 00 20 00 10 00 01 00 0a 00  00 00 02 00 40 00 00 10  aa aa',
    ),
  ])
})

test('fills updates up to their limit and loses no tile', () => {
  const updates = packTiles(Array(40).fill(tile(1_500)), { noBitmapCompressionHeader: true })
  expect(updates.every(({ length }) => length <= MAX_UPDATE_BYTES)).toBe(true)
  expect(updates.map((update) => update.readUInt16LE(2))).toEqual([10, 10, 10, 10])
})

test('no tiles are no update', () => {
  expect(packTiles([], { noBitmapCompressionHeader: true })).toEqual([])
})

test('fast-path lengths count the whole PDU, in one byte or two', () => {
  expect(encodeFastPathBitmap(hex('01 02'))).toEqual(hex('00 07 01 02 00 01 02'))
  const long = encodeFastPathBitmap(Buffer.alloc(200))
  expect(long).toHaveLength(206)
  expect(long.subarray(0, 6)).toEqual(hex('00 80 ce 01 c8 00'))
})

test('the default pointer is an update without data', () => {
  expect(encodeFastPathDefaultPointer()).toEqual(hex('00 05 06 00 00'))
})
