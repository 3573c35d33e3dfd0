import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createReference } from '../../src/lib/index.ts'
import { decodeGrantNotice, encodeGrantNotice } from '../../src/protocol/index.ts'

test('a console reads what the agent has written', () => {
  const notice = { ref: createReference(), expiresAt: 1_795_000_000 }
  expect(decodeGrantNotice(encodeGrantNotice(notice))).toEqual(notice)
  expect(decodeGrantNotice(encodeGrantNotice({}))).toEqual({})
})

test('whatever else stands in the fields is left out', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (a, b) => {
      const { ref = 'AAAA-AAAA', expiresAt = 0 } = decodeGrantNotice(
        new Map([
          [0xe0, a],
          [0xe1, b],
        ]),
      )
      expect(ref).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/)
      expect(Number.isSafeInteger(expiresAt)).toBe(true)
    }),
  )
})
