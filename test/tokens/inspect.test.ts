import { beforeAll, expect, test } from 'vitest'
import type { KeyPair } from '../../src/certs/index.ts'
import { inspectToken } from '../../src/tokens/index.ts'
import { CLAIMS, createIssuerPair, mint } from './minting.ts'

let pair: KeyPair

beforeAll(async () => {
  pair = await createIssuerPair()
})

test('shows header and claims of a right token without remarks', () => {
  const { header, claims, issues } = inspectToken(mint(pair).reveal())
  expect(header).toMatchObject({ alg: 'ES256', typ: 'cgt+jwt' })
  expect(claims).toEqual(CLAIMS)
  expect(issues).toEqual([])
})

test('says everything that is wrong at once', () => {
  const token = mint(pair, { header: { kid: '1' }, claims: { exp: undefined, admin: true } })
  const { claims, issues } = inspectToken(token.reveal())
  expect(claims).toMatchObject({ admin: true })
  expect(issues).toHaveLength(3)
})

test('never throws', () => {
  expect(inspectToken('').issues).toContain('token: empty')
  expect(inspectToken('a.b.c')).not.toHaveProperty('claims')
  expect(inspectToken('not a token').issues.length).toBeGreaterThan(0)
})
