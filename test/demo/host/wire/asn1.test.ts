import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  encodeBer,
  encodePerLength,
  MAX_PER_LENGTH,
  readBer,
  readPerLength,
} from '../../../../src/demo/host/wire/asn1.ts'
import { Reader } from '../../../../src/protocol/index.ts'
import { hex } from '../../../helpers/hex.ts'

const reader = (bytes: Uint8Array) => new Reader('TEST', bytes)

test('PER lengths come back as they were written', () => {
  fc.assert(
    fc.property(fc.nat(MAX_PER_LENGTH), (length) => {
      expect(readPerLength(reader(encodePerLength(length)), 'length')).toBe(length)
    }),
  )
})

test('PER lengths take one byte below 0x80 and two from there on', () => {
  expect(encodePerLength(0x7f)).toEqual(hex('7f'))
  expect(encodePerLength(0x80)).toEqual(hex('80 80'))
  expect(encodePerLength(MAX_PER_LENGTH)).toEqual(hex('bf ff'))
})

test('a PER length over 0x3fff is our own mistake', () => {
  expect(() => encodePerLength(MAX_PER_LENGTH + 1)).toThrow(RangeError)
})

test('refuses a fragmented PER length', () => {
  expect(() => readPerLength(reader(hex('c1')), 'length')).toThrow(/fragments/)
})

test('BER elements come back as they were written', () => {
  const tags = fc.constantFrom([0x04], [0x7f, 0x66])
  fc.assert(
    fc.property(tags, fc.uint8Array({ maxLength: 700 }), (tag, content) => {
      const element = encodeBer(tag, content)
      expect(Buffer.from(readBer(reader(element), 'element', tag))).toEqual(Buffer.from(content))
    }),
  )
})

test.each([
  ['another tag', '05 00'],
  ['a length of four bytes', '04 84 00 00 00 01 00'],
  ['an indefinite length', '04 80 00 00'],
  ['content past the end', '04 05 00'],
])('refuses a BER element with %s', (_, text) => {
  expect(() => readBer(reader(hex(text)), 'element', [0x04])).toThrow(
    expect.objectContaining({ name: 'ProtocolError' }),
  )
})
