import { expect, test } from 'vitest'
import { FRAME_HEADROOM_BYTES } from '../../../src/gateway/transport/packet-transport.ts'
import {
  encodeBinaryFrame,
  encodeCloseFrame,
  encodePongFrame,
  writeBinaryHeader,
} from '../../../src/gateway/transport/websocket-frames.ts'

test.each([
  [1, '820161'],
  [125, '827d'],
  [126, '827e007e'],
  [65_535, '827effff'],
])('a message of %i bytes has the right header, with and without a copy', (length, header) => {
  const packet = Buffer.alloc(length, 'a')
  const frame = encodeBinaryFrame(packet)
  expect(frame.toString('hex').startsWith(header)).toBe(true)
  const buffer = Buffer.concat([Buffer.alloc(FRAME_HEADROOM_BYTES), packet])
  const begin = writeBinaryHeader(buffer, FRAME_HEADROOM_BYTES, buffer.length)
  expect(buffer.subarray(begin).equals(frame)).toBe(true)
})

test('control frames are unmasked and final', () => {
  expect(encodeCloseFrame(1000).toString('hex')).toBe('880203e8')
  expect(encodePongFrame(Buffer.from('a')).toString('hex')).toBe('8a0161')
})
