import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeDer,
  encodeDer,
  explicit,
  integer,
  integerValue,
  octetBytes,
  octets,
  oid,
  oidText,
  part,
  parts,
  sequence,
} from '../../src/certs/der.ts'

test('writes what X.690 says', () => {
  const node = sequence(oid('1.2.840.113549.1.7.1'), explicit(0, octets(new Uint8Array([1, 2]))))
  expect(Buffer.from(encodeDer(node)).toString('hex')).toBe(
    '3011' + '06092a864886f70d010701' + 'a004' + '04020102',
  )
})

test('bytes and numbers come back as they went in', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(0x7fffffff), (bytes, number) => {
      const node = decodeDer(encodeDer(sequence(octets(bytes), integer(number))))
      expect(Buffer.from(octetBytes(part(node, 0)))).toEqual(Buffer.from(bytes))
      expect(integerValue(part(node, 1))).toBe(number)
    }),
  )
})

test('puts the chunks of BER together', () => {
  const node = decodeDer(Buffer.from('2480' + '0401aa' + '0402bbcc' + '0000', 'hex'))
  expect(Buffer.from(octetBytes(node)).toString('hex')).toBe('aabbcc')
})

test('refuses numbers out of range, and values of another kind', () => {
  for (const hex of ['0201ff', '02050100000000', '0200']) {
    expect(() => integerValue(decodeDer(Buffer.from(hex, 'hex'))), hex).toThrow('need a number')
  }
  expect(() => oidText(integer(1))).toThrow('need an object identifier')
  expect(() => parts(integer(1))).toThrow('need a sequence')
  expect(() => part(sequence(), 0)).toThrow('need at least 1 parts')
})

test('random and deeply nested bytes give an Error, or a value', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeDer(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
      }
    }),
    { numRuns: 2000 },
  )
  expect(() => decodeDer(Buffer.from('3080'.repeat(100_000), 'hex'))).toThrow()
})
