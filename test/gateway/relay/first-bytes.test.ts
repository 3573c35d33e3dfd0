import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FirstBytes } from '../../../src/gateway/relay/first-bytes.ts'

/** Proven by eight bytes, refused for a first byte of zero. */
function rule(bytes: Uint8Array): boolean {
  if (bytes[0] === 0) throw new RangeError('zero')
  return bytes.length >= 8
}

test('holds what proves nothing, and gives all of it once it does, at any split', () => {
  const pieces = fc.array(fc.uint8Array({ min: 1, maxLength: 5 }), { minLength: 1 })
  fc.assert(
    fc.property(pieces, (stream) => {
      const firstBytes = new FirstBytes(rule)
      const passed = stream.map((piece) => firstBytes.push(piece))
      const whole = Buffer.concat(stream)
      expect(firstBytes.proven).toBe(whole.length >= 8)
      expect(Buffer.concat(passed.filter((bytes) => bytes !== undefined))).toEqual(
        firstBytes.proven ? whole : Buffer.alloc(0),
      )
    }),
  )
})

test('keeps its own copy of what it holds', () => {
  const firstBytes = new FirstBytes(rule)
  const chunk = Uint8Array.of(1, 2, 3)
  firstBytes.push(chunk)
  chunk.fill(9)
  expect(firstBytes.push(Uint8Array.of(4, 5, 6, 7, 8))).toEqual(Buffer.of(1, 2, 3, 4, 5, 6, 7, 8))
})

test('passes on what the rule says against it', () => {
  expect(() => new FirstBytes(rule).push(Uint8Array.of(0))).toThrow(RangeError)
})
