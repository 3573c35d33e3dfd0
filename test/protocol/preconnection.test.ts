import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ProtocolError } from '../../src/lib/index.ts'
import {
  classifyFirstBytes,
  decodePreconnectionBlob,
  encodePreconnectionBlob,
} from '../../src/protocol/index.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')
// [MS-RDPEPS] section 4.
const V1 = hex('10000000 00000000 01000000 EB99C6EE')
const V2 = hex('20000000 00000000 02000000 00000000 0700 5400650073007400 56004D000000')

test("reads the specification's examples", () => {
  expect(decodePreconnectionBlob(V1)).toEqual({
    blob: { version: 1, id: 0xeec6_99eb },
    length: 16,
  })
  expect(decodePreconnectionBlob(V2)).toEqual({
    blob: { version: 2, id: 0, text: 'TestVM' },
    length: 32,
  })
})

test('takes no more than its own size, and needs all of it', () => {
  expect(decodePreconnectionBlob(Buffer.concat([V2, hex('0300')]))?.length).toBe(32)
  for (let length = 0; length < V2.length; length += 1) {
    expect(decodePreconnectionBlob(V2.subarray(0, length))).toBeUndefined()
  }
})

test('strips one terminating NUL and two, as FreeRDP 3 and 2 send them', () => {
  const freeRdp3 = hex('16000000 00000000 02000000 00000000 0200 4100 0000')
  expect(decodePreconnectionBlob(freeRdp3)?.blob.text).toBe('A')
  const freeRdp2 = hex('18000000 00000000 02000000 00000000 0300 4100 0000 0000')
  expect(decodePreconnectionBlob(freeRdp2)?.blob.text).toBe('A')
})

test('refuses sizes and versions that do not fit', () => {
  const wrong = [
    '0F000000 00000000 01000000 000000',
    '11000000 00000000 02000000 00000000 00',
    '12000000 00000000 01000000 00000000 0000',
    '10000000 00000000 02000000 00000000',
    '10000000 00000000 03000000 00000000',
    '01100000 00000000 02000000 00000000',
  ]
  for (const bytes of wrong) {
    expect(() => decodePreconnectionBlob(hex(bytes)), bytes).toThrow(ProtocolError)
  }
})

test('reads back what it writes; any other bytes wait or are refused', () => {
  const text = fc.string({ maxLength: 40 }).filter((value) => !value.includes('\0'))
  fc.assert(
    fc.property(text, fc.uint8Array({ maxLength: 50 }), (blobText, noise) => {
      const bytes = encodePreconnectionBlob({ version: 2, id: 1, text: blobText })
      expect(decodePreconnectionBlob(bytes)?.blob).toEqual({ version: 2, id: 1, text: blobText })
      try {
        decodePreconnectionBlob(noise)
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError)
      }
    }),
  )
})

test("tells a client's first bytes apart", () => {
  const x224 = hex('03 00 00 13 0E E0 00 00 00 00 00 01 00 08 00 0B 00 00 00')
  const tls = hex('16 03 01 02 00 01 00 01 FC 03 03 00')
  expect(classifyFirstBytes(x224)).toBe('x224')
  expect(classifyFirstBytes(V1)).toBe('preconnection')
  expect(classifyFirstBytes(V2)).toBe('preconnection')
  expect(classifyFirstBytes(tls)).toBe('tls')
  expect(classifyFirstBytes(Buffer.from('GET / HTTP/1.1\r\n'))).toBe('other')
  expect(classifyFirstBytes(hex('16000000 00000000 02000000'))).toBe('preconnection')
  for (const bytes of [x224, V1, V2, tls]) {
    for (let length = 0; length <= bytes.length; length += 1) {
      const kind = classifyFirstBytes(bytes.subarray(0, length))
      expect([undefined, classifyFirstBytes(bytes)]).toContain(kind)
      if (length >= 12) expect(kind).toBeDefined()
    }
  }
})
