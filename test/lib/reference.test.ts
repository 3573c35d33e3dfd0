import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createReference, parseReference } from '../../src/lib/index.ts'

test('a new reference reads back as itself, in any case and without its dash', () => {
  fc.assert(
    fc.property(fc.constant(null), () => {
      const reference = createReference()
      expect(reference).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/)
      expect(parseReference(reference)).toBe(reference)
      expect(parseReference(reference.toLowerCase().replace('-', ' '))).toBe(reference)
    }),
  )
})

test('takes letters that look like digits for the digits', () => {
  expect(parseReference('oIlO-1234')).toBe('0110-1234')
})

test('anything else is no reference', () => {
  for (const text of ['', '1234', '1234-56789', 'UUUU-1234', '1234-567!']) {
    expect(parseReference(text)).toBeUndefined()
  }
})
