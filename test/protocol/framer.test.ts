import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ProtocolError } from '../../src/lib/index.ts'
import {
  encodeCloseChannel,
  encodeData,
  encodeHandshakeRequest,
  encodeKeepAlive,
  PacketFramer,
  PacketType,
} from '../../src/protocol/index.ts'

function header(type: number, packetLength: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt16LE(type, 0)
  bytes.writeUInt32LE(packetLength, 4)
  return bytes
}

/** Packets as text, so that they compare whatever buffers they are views of. */
function cut(pieces: Uint8Array[]): string[] {
  const framer = new PacketFramer()
  return pieces.flatMap((piece) =>
    [...framer.push(piece)].map(({ type, body }) => `${type}:${Buffer.from(body).toString('hex')}`),
  )
}

const packets = [
  encodeHandshakeRequest({ verMajor: 1, verMinor: 0, clientVersion: 0, extendedAuth: 2 }),
  encodeKeepAlive(),
  encodeData(Buffer.from('some payload')),
  encodeKeepAlive(),
  encodeCloseChannel(0x8007_59d8),
]
const stream = Buffer.concat(packets)
const expected = packets.map((packet) => `${packet[0]}:${packet.subarray(8).toString('hex')}`)

test('cuts the same packets whole, byte by byte and at any split', () => {
  expect(cut([stream])).toEqual(expected)
  expect(cut([...stream].map((byte) => Uint8Array.of(byte)))).toEqual(expected)
  const splits = fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 8 })
  fc.assert(
    fc.property(splits, (at) => {
      const borders = [0, ...at.sort((a, b) => a - b), stream.length]
      const pieces = borders.slice(1).map((end, index) => stream.subarray(borders[index], end))
      expect(cut(pieces)).toEqual(expected)
    }),
  )
})

test('judges a length before it waits for the body', () => {
  for (const length of [0, 7, 0xffff_ffff]) {
    for (const type of Object.values(PacketType)) {
      expect(() => cut([header(type, length)]), `${type} ${length}`).toThrow(ProtocolError)
    }
  }
  expect(() => cut([header(PacketType.keepAlive, 65)])).toThrow(ProtocolError)
  expect(() => cut([header(PacketType.channelCreate, 16 * 1024 + 1)])).toThrow(ProtocolError)
  expect(() => cut([header(PacketType.data, 65_546)])).toThrow(ProtocolError)
  expect(() => cut([header(0x0e, 65_546)])).toThrow(ProtocolError)
  expect(cut([header(PacketType.data, 65_545)])).toEqual([])
})

test('skips 16 packets of unknown type and refuses the 17th', () => {
  const unknown = Array.from({ length: 16 }, () => header(0x0e, 8))
  expect(cut([...unknown, encodeKeepAlive()])).toEqual(['13:'])
  expect(() => cut([...unknown, header(0x12, 8)])).toThrow(
    expect.objectContaining({ code: 'ERR_PACKET_UNEXPECTED' }),
  )
})

test('any bytes are packets, a wait, or a ProtocolError', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }), (pieces) => {
      try {
        cut(pieces)
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError)
      }
    }),
  )
})

test('a held packet does not change when the next bytes come', () => {
  const framer = new PacketFramer()
  const data = encodeData(Buffer.from('abc'))
  expect([...framer.push(data.subarray(0, 9))]).toEqual([])
  const [packet] = [...framer.push(data.subarray(9))]
  expect([...framer.push(encodeKeepAlive())]).toHaveLength(1)
  expect(Buffer.from(packet?.body ?? []).toString('latin1', 2)).toBe('abc')
})
