import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeConfirmActive,
  encodeDemandActive,
} from '../../../../src/demo/host/wire/capabilities.ts'
import { hex } from '../../../helpers/hex.ts'
import { confirmActive } from '../../../helpers/rdp-messages.ts'

const bodyOf = (pdu: Buffer) => pdu.subarray(6)

test('offers nine sets of the documented sizes', () => {
  const body = bodyOf(encodeDemandActive({ width: 1024, height: 768, bitsPerPixel: 16 }))
  const combinedLength = body.readUInt16LE(6)
  expect(body.subarray(8, 12)).toEqual(Buffer.from('RDP\0'))
  expect(body).toHaveLength(12 + combinedLength + 4 /* sessionId */)
  expect(body.readUInt16LE(12)).toBe(9)
  const sizes: number[][] = []
  for (let offset = 16; offset < 12 + combinedLength; ) {
    sizes.push([body.readUInt16LE(offset), body.readUInt16LE(offset + 2)])
    offset += body.readUInt16LE(offset + 2)
  }
  expect(sizes).toEqual([
    [1, 24],
    [2, 28],
    [3, 88],
    [8, 10],
    [13, 88],
    [9, 8],
    [20, 12],
    [14, 8],
    [26, 8],
  ])
})

test('names protocol version 0x0200, which FreeRDP 3 insists on, and the desktop', () => {
  const body = bodyOf(encodeDemandActive({ width: 1024, height: 768, bitsPerPixel: 16 }))
  expect(body.subarray(16, 40)).toEqual(
    hex('01 00 18 00 01 00 03 00 00 02 00 00 00 00 05 04 00 00 00 00 00 00 01 01'),
  )
  expect(body.subarray(40, 68)).toEqual(
    hex('02 00 1c 00 10 00 01 00 01 00 01 00 00 04 00 03 00 00 01 00 01 00 00 00 01 00 00 00'),
  )
})

test.each([
  [0x0405, { fastPathOutput: true, noBitmapCompressionHeader: true }],
  [0x0401, { fastPathOutput: true, noBitmapCompressionHeader: true }],
  [0x0001, { fastPathOutput: true, noBitmapCompressionHeader: false }],
  [0x0400, { fastPathOutput: false, noBitmapCompressionHeader: true }],
])('reads extraFlags %i', (extraFlags, capabilities) => {
  expect(decodeConfirmActive(bodyOf(confirmActive({ extraFlags })))).toEqual(capabilities)
})

test('a client without a General set gets slow-path and headers', () => {
  const body = hex('f3 03 01 00 ea 03 00 00 04 00 00 00 00 00')
  expect(decodeConfirmActive(body)).toEqual({
    fastPathOutput: false,
    noBitmapCompressionHeader: false,
  })
})

test.each([
  ['a set shorter than its header', 'f3 03 01 00 ea 03 00 00 08 00 01 00 00 00 01 00 03 00'],
  ['a set past the end', 'f3 03 01 00 ea 03 00 00 08 00 01 00 00 00 01 00 18 00'],
  ['more sets than there are', 'f3 03 01 00 ea 03 00 00 04 00 01 00 00 00'],
  ['capabilities past the end', 'f3 03 01 00 ea 03 00 00 ff 00 00 00 00 00'],
  [
    'a General set without its flags',
    'f3 03 01 00 ea 03 00 00 0a 00 01 00 00 00 01 00 06 00 00 00',
  ],
])('refuses %s', (_, text) => {
  expect(() => decodeConfirmActive(hex(text))).toThrow(
    expect.objectContaining({ name: 'ProtocolError' }),
  )
})

test('random bytes give capabilities or a ProtocolError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      try {
        decodeConfirmActive(bytes)
      } catch (error) {
        expect(error).toHaveProperty('name', 'ProtocolError')
      }
    }),
  )
})
