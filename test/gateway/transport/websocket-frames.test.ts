import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FRAME_HEADROOM_BYTES } from '../../../src/gateway/transport/packet-transport.ts'
import {
  createFrameReader,
  encodeBinaryFrame,
  encodeCloseFrame,
  encodePongFrame,
  writeBinaryHeader,
} from '../../../src/gateway/transport/websocket-frames.ts'
import { maskedFrame } from '../support/raw-client.ts'

interface Seen {
  data: Buffer[]
  closed: boolean
  error: number | undefined
}

function readFrames(pieces: Iterable<Uint8Array>): Seen {
  const seen: Seen = { data: [], closed: false, error: undefined }
  const read = createFrameReader({
    onBinary: (data) => void seen.data.push(Buffer.from(data)),
    onPing: () => {},
    onClose: () => {
      seen.closed = true
    },
    onError: (_, closeCode) => {
      seen.error = closeCode
    },
  })
  for (const piece of pieces) read(Buffer.from(piece))
  return seen
}

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

test('reads the same messages whole and at any split', () => {
  const message = fc.uint8Array({ minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 5 }),
      fc.integer({ min: 1, max: 50 }),
      (messages, size) => {
        const bytes = Buffer.concat(messages.map((data) => maskedFrame(2, data)))
        const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
          Buffer.from(bytes.subarray(index * size, (index + 1) * size)),
        )
        expect(readFrames(pieces).data.map((data) => [...data])).toEqual(
          messages.map((m) => [...m]),
        )
      },
    ),
  )
})

test('random bytes end in silence, a close or an error, never in an exception', () => {
  fc.assert(fc.property(fc.array(fc.uint8Array()), (pieces) => void readFrames(pieces)))
})

test('nothing is read after an error or a close', () => {
  const after = maskedFrame(2, Buffer.from('late'))
  const text = readFrames([maskedFrame(1, Buffer.from('text')), after])
  expect(text).toEqual({ data: [], closed: false, error: 1003 })
  const closed = readFrames([maskedFrame(8, Buffer.from([3, 232])), after])
  expect(closed).toEqual({ data: [], closed: true, error: undefined })
})
