import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  createFrameReader,
  encodeBinaryFrame,
  encodeCloseFrame,
  encodePongFrame,
} from '../../src/client/websocket-frames.ts'
import { createFrameReader as createGatewayReader } from '../../src/gateway/transport/websocket-reader.ts'

/** What a gateway's reader makes of our frames. */
function readAsGateway(bytes: Buffer): string[] {
  const seen: string[] = []
  const read = createGatewayReader({
    onBinary: (data) => seen.push(`binary ${data.toString('hex')}`),
    onPing: () => seen.push('ping'),
    onClose: () => seen.push('close'),
    onError: (error) => seen.push(error.message),
  })
  read(bytes)
  return seen
}

function readAsClient(...pieces: string[]): string[] {
  const seen: string[] = []
  const read = createFrameReader({
    onBinary: (data) => seen.push(`binary ${data.toString('hex')}`),
    onPing: (data) => seen.push(`ping ${data.toString('hex')}`),
    onEnd: (reason) => seen.push(`end ${reason?.code}`),
  })
  for (const piece of pieces) read(Buffer.from(piece, 'hex'))
  return seen
}

test('masks every frame, with a fresh mask', () => {
  const [first, second] = [encodeBinaryFrame(Buffer.alloc(8)), encodeBinaryFrame(Buffer.alloc(8))]
  expect(first[1]).toBe(0x80 | 8)
  expect(first.subarray(2, 6)).not.toEqual(second.subarray(2, 6))
})

test('a gateway reads what we write, short, long and very long', () => {
  const lengths = fc.constantFrom(0, 1, 125, 126, 65_535, 65_536, 70_000)
  fc.assert(
    fc.property(lengths, fc.integer({ min: 0, max: 255 }), (length, fill) => {
      const packet = Buffer.alloc(length, fill)
      const read = length === 0 ? [] : [`binary ${packet.toString('hex')}`]
      expect(readAsGateway(encodeBinaryFrame(packet))).toEqual(read)
    }),
    { numRuns: 20 },
  )
  expect(readAsGateway(encodePongFrame(Buffer.from('ab')))).toEqual([])
  expect(readAsGateway(encodeCloseFrame(1000))).toEqual(['close'])
})

test('reads messages at any split, and their fragments as one', () => {
  expect(readAsClient('8202', '61', '628201', '63')).toEqual(['binary 6162', 'binary 63'])
  expect(readAsClient('020161', '80', '0162')).toEqual(['binary 6162'])
  expect(readAsClient('890161')).toEqual(['ping 61'])
  expect(readAsClient('880203e8')).toEqual(['end undefined'])
})

test.each([
  ['masks', '82810000000061'],
  ['sends text', '810161'],
  ['sets reserved bits', 'c20161'],
  ['announces more than any packet', '827f00000000ffffffff'],
])('a gateway that %s has broken the protocol', async (_, frame) => {
  const seen = readAsClient(frame)
  // The errors of a stream come in a later turn.
  await new Promise(setImmediate)
  expect(seen).toEqual(['end ERR_PACKET_MALFORMED'])
})
