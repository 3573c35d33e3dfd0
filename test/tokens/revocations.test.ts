import { expect, test } from 'vitest'
import {
  createRevocationList,
  type Revocation,
  type VerifiedToken,
} from '../../src/tokens/index.ts'
import { CLAIMS, NOW } from './minting.ts'

const ISSUER = 'A'.repeat(64)

const token = (iat = NOW): VerifiedToken => ({
  claims: { ...CLAIMS, iat },
  issuerThumbprint: ISSUER,
  expiredBySeconds: 0,
})

function revoke(kind: Revocation['kind'], value: string, atSeconds = NOW): Revocation {
  return { id: kind, kind, value, at: atSeconds * 1000, until: Infinity, endSessions: false }
}

test.each([
  revoke('vm', CLAIMS.vm),
  revoke('tenant', CLAIMS.tid),
  revoke('user', CLAIMS.sub),
  revoke('issuer', ISSUER),
  revoke('before', ''),
])('$kind hits what was issued until then, and nothing later', (item) => {
  const list = createRevocationList([item])
  expect(list.find(token(NOW - 1))).toBe(item)
  expect(list.find(token(NOW))).toBe(item)
  expect(list.find(token(NOW + 1))).toBeUndefined()
})

test('a jti is revoked whenever it was issued', () => {
  const list = createRevocationList([revoke('jti', CLAIMS.jti, NOW - 1000)])
  expect(list.find(token())?.kind).toBe('jti')
})

test('one that names another value, or the value in another kind, hits nothing', () => {
  const list = createRevocationList([revoke('vm', 'other'), revoke('jti', CLAIMS.vm)])
  expect(list.find(token())).toBeUndefined()
  expect(list.size).toBe(2)
})

test('of two for the same, the later one counts in any order', () => {
  const items = [revoke('vm', CLAIMS.vm, NOW - 10), revoke('vm', CLAIMS.vm, NOW)]
  for (const list of [items, items.toReversed()].map(createRevocationList)) {
    expect(list.find(token())).toBe(items[1])
  }
})

test('an empty list revokes nothing', () => {
  expect(createRevocationList([]).find(token())).toBeUndefined()
})
