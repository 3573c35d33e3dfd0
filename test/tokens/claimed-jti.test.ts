import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Secret } from '../../src/lib/index.ts'
import { claimedJti } from '../../src/tokens/index.ts'

function jws(payload: unknown): Secret {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return new Secret(`${part({ alg: 'none' })}.${part(payload)}.AAAA`)
}

test('a token is called what it calls itself, whoever has signed it', () => {
  expect(claimedJti(jws({ jti: 'j1', exp: 0 }))).toBe('j1')
})

test('a FedAuth token is called by the bytes that are signed', () => {
  const signed = 'Host=hv1&Port=2179&ExpiresOn=1893499200'
  const token = new Secret(`${signed}&Signature=1|SHA256|${'A'.repeat(40)}|AAAA`)
  expect(claimedJti(token)).toMatch(/^[0-9a-f]{64}$/)
})

test.each([
  ['no token', new Secret('')],
  ['another payload', jws(['j1'])],
  ['no jti', jws({})],
  ['a jti that cannot stand in a log', jws({ jti: 'a\nb' })],
  ['a jti that is too long', jws({ jti: 'a'.repeat(129) })],
  ['more than a cookie', jws({ jti: 'j1', more: 'x'.repeat(4096) })],
])('%s is called nothing', (_, token) => {
  expect(claimedJti(token)).toBeUndefined()
})

test('whatever it is given, it never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      claimedJti(new Secret(text))
      claimedJti(new Secret(`a.${text}.b`))
    }),
  )
})
