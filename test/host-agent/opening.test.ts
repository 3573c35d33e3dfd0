import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeOpening } from '../../src/host-agent/opening.ts'
import { ProtocolError, Secret } from '../../src/lib/index.ts'
import { blob } from '../helpers/preconnection.ts'
import { opening, REQUEST } from './support.ts'

const TOKEN = new Secret('eyJhbGciOiJFUzI1NiJ9.eyJ2bSI6IndlYiJ9.c2lnbmF0dXJl')
const HEADER_BYTES = 28

test('is whole with the last byte of the connection request, not before', () => {
  const bytes = opening(TOKEN)
  for (let length = 0; length < bytes.length; length += 1) {
    expect(decodeOpening(bytes.subarray(0, length)), `${length} bytes`).toBeUndefined()
  }
  const behind = Buffer.from('behind')
  const whole = decodeOpening(Buffer.concat([bytes, behind]))
  expect(whole?.source).toEqual({ address: '192.0.2.7', port: 40_000 })
  expect(whole?.text.reveal()).toMatch(/;Token=eyJ/)
  expect(whole?.rest).toEqual(Buffer.concat([REQUEST, behind]))
  expect(JSON.stringify(whole)).not.toContain('eyJ')
})

test('a request over 1,024 bytes is refused by its header alone', () => {
  const front = opening(TOKEN).subarray(0, -REQUEST.length)
  const tooLong = Buffer.from([3, 0, 0x04, 0x01])
  expect(() => decodeOpening(Buffer.concat([front, tooLong]))).toThrow('allowed 1024 bytes')
})

test.each([
  ['a blob over 4,096 bytes', Buffer.from('01100000', 'hex')],
  ['a blob of version one', Buffer.from('10000000000000000100000000000000', 'hex')],
  ['TLS behind the blob', Buffer.concat([blob('text'), Buffer.from('160301', 'hex')])],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
])('%s is refused', (_, bytes) => {
  const front = opening(TOKEN).subarray(0, HEADER_BYTES)
  expect(() => decodeOpening(Buffer.concat([front, bytes]))).toThrow(ProtocolError)
})

test('any bytes give an opening, a wish for more, or a ProtocolError', () => {
  const front = opening(TOKEN)
  fc.assert(
    fc.property(fc.nat(front.length), fc.uint8Array({ maxLength: 200 }), (length, bytes) => {
      try {
        decodeOpening(Buffer.concat([front.subarray(0, length), bytes]))
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError)
      }
    }),
  )
})
