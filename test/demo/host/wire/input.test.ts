import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeFastPathInput, decodeSlowPathInput } from '../../../../src/demo/host/wire/input.ts'
import { hex } from '../../../helpers/hex.ts'

test('reads keys and passes over mouse, lock keys and time stamps', () => {
  const pdu = hex(`1c 1e
    02 4b          03 4b
    80 e9 00
    20 00 08 01 00 02 00
    60
    c0 00 00 00 00
    01 1e`)
  expect(decodeFastPathInput(pdu)).toEqual([
    { kind: 'scancode', code: 0x4b, extended: true, released: false },
    { kind: 'scancode', code: 0x4b, extended: true, released: true },
    { kind: 'unicode', codeUnit: 0xe9, released: false },
    { kind: 'scancode', code: 0x1e, extended: false, released: true },
  ])
})

test('reads the count from its own byte when the header has none', () => {
  expect(decodeFastPathInput(hex('00 05 01 00 1e'))).toHaveLength(1)
})

test('reads slow-path keys', () => {
  const events = `00 00 00 00 04 00 00 80 1e 00 00 00
                  00 00 00 00 04 00 00 01 4b 00 00 00
                  00 00 00 00 05 00 00 00 41 00 00 00
                  00 00 00 00 01 80 00 08 01 00 02 00`
  expect(decodeSlowPathInput(hex(`04 00 00 00 ${events}`))).toEqual([
    { kind: 'scancode', code: 0x1e, extended: false, released: true },
    { kind: 'scancode', code: 0x4b, extended: true, released: false },
    { kind: 'unicode', codeUnit: 0x41, released: false },
  ])
})

test.each([
  ['security flags', '44 04 00 1e'],
  ['an unknown event code', '04 03 e0'],
  ['fewer events than it says', '08 04 00 1e'],
  ['bytes after the last event', '04 05 00 1e 00'],
])('refuses fast-path input with %s', (_, text) => {
  expect(() => decodeFastPathInput(hex(text))).toThrow(
    expect.objectContaining({ name: 'ProtocolError' }),
  )
})

test('refuses slow-path input with fewer events than it says', () => {
  expect(() => decodeSlowPathInput(hex('02 00 00 00 00 00 00 00 04 00 00 80 1e 00 00 00'))).toThrow(
    expect.objectContaining({ name: 'ProtocolError' }),
  )
})

test('random bytes give events or a ProtocolError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      for (const decode of [decodeFastPathInput, decodeSlowPathInput]) {
        try {
          decode(bytes)
        } catch (error) {
          expect(error).toHaveProperty('name', 'ProtocolError')
        }
      }
    }),
  )
})
