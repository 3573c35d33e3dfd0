import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseThumbprint } from '../../src/tokens/index.ts'

const sha1 = '0123456789ABCDEF0123456789ABCDEF01234567'

test('reads a clean thumbprint without remarks', () => {
  expect(parseThumbprint(sha1.toLowerCase())).toEqual({ thumbprint: sha1, oddities: [] })
  expect(parseThumbprint('A'.repeat(64)).thumbprint).toHaveLength(64)
})

test('takes out separators and invisible characters and reports them', () => {
  const pasted = `\u200e${sha1.replaceAll(/(..)(?=.)/g, '$1:')}\n`
  expect(parseThumbprint(pasted)).toEqual({
    thumbprint: sha1,
    oddities: ['U+200E, once', '":", 19 times', 'U+000A, once'],
  })
})

test('refuses what is no thumbprint', () => {
  expect(() => parseThumbprint(sha1.slice(1))).toThrow('need 40 or 64 hex digits, have 39')
  expect(() => parseThumbprint('')).toThrow('need 40 or 64 hex digits, have 0')
  expect(() => parseThumbprint(sha1.replace('0', 'O'))).toThrow('thumbprint: "O" is no hex digit')
})

test('any spelling gives the same thumbprint', () => {
  const separator = fc.constantFrom('', ':', ' ', '-', '\u200e', '\ufeff', '\u00a0')
  fc.assert(
    fc.property(fc.array(separator, { minLength: 40, maxLength: 40 }), (separators) => {
      const spelled = [...sha1].map((digit, index) => separators[index] + digit).join('')
      expect(parseThumbprint(spelled).thumbprint).toBe(sha1)
    }),
  )
})
