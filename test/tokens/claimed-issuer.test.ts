import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Secret } from '../../src/lib/index.ts'
import { claimedIssuer } from '../../src/tokens/index.ts'

function jws(header: unknown): Secret {
  return new Secret(`${Buffer.from(JSON.stringify(header)).toString('base64url')}.AAAA.AAAA`)
}

test('a token names its issuer, whoever has signed it', () => {
  expect(claimedIssuer(jws({ alg: 'none', 'x5t#S256': 'abc' }))).toBe('abc')
})

test.each([
  ['no token', new Secret('')],
  ['FedAuth', new Secret(`Host=hv1&Port=2179&Signature=1|SHA256|${'A'.repeat(40)}|AAAA`)],
  ['another header', jws(['x5t#S256'])],
  ['no thumbprint', jws({})],
  ['a thumbprint that is no text', jws({ 'x5t#S256': 1 })],
  ['more than a cookie', jws({ 'x5t#S256': 'abc', more: 'x'.repeat(4096) })],
])('%s names none', (_, token) => {
  expect(claimedIssuer(token)).toBeUndefined()
})

test('whatever it is given, it never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      claimedIssuer(new Secret(text))
      claimedIssuer(new Secret(`${text}.a.b`))
    }),
  )
})
