import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyMask } from '../../src/protocol/index.ts'

const MASK = fc.uint8Array({ minLength: 4, maxLength: 4 })

test('masks byte by byte and in lanes alike, wherever the bytes lie', () => {
  fc.assert(
    fc.property(
      MASK,
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 0, max: 1_000 }),
      (mask, offset, position, length) => {
        const memory = Uint8Array.from({ length: offset + length + 9 }, (_, index) => index * 7)
        const expected = memory.map((byte, index) => {
          const inPayload = index >= offset && index < offset + length
          return inPayload ? byte ^ (mask[(position + index - offset) % 4] ?? 0) : byte
        })
        applyMask(memory.subarray(offset, offset + length), mask, position)
        expect(memory).toEqual(expected)
      },
    ),
  )
})

test('masking twice changes nothing, however the second is split', () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 1_000, size: 'max' })
  fc.assert(
    fc.property(MASK, bytes, fc.nat({ max: 1_000 }), (mask, original, split) => {
      const masked = original.slice()
      applyMask(masked, mask)
      applyMask(masked.subarray(0, split), mask)
      applyMask(masked.subarray(split), mask, Math.min(split, masked.length))
      expect(masked).toEqual(original)
    }),
  )
})
