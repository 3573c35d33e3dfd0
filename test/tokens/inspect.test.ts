import { beforeAll, expect, test } from 'vitest'
import { type KeyPair, readCertificate } from '../../src/certs/index.ts'
import { inspectToken } from '../../src/tokens/index.ts'
import {
  CLAIMS,
  createIssuerPair,
  HOST_CLAIMS,
  mint,
  mintFedAuth,
  mintHost,
  NOW,
} from './minting.ts'

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

test('knows a host token and a FedAuth token by their looks', async () => {
  expect(inspectToken(mintHost(pair).reveal())).toMatchObject({ claims: HOST_CLAIMS, issues: [] })
  const rsa = await createIssuerPair('rsa-2048')
  const { sha1Thumbprint } = readCertificate(rsa.certificatePem)
  expect(inspectToken(mintFedAuth(rsa).reveal())).toEqual({
    header: { typ: 'FedAuth', alg: 'SHA256', x5t: sha1Thumbprint },
    claims: { dst: 'hv1.example:2179', exp: NOW + 60 },
    issues: [],
  })
})

test('says everything that is wrong at once', () => {
  const token = mint(pair, { header: { kid: '1' }, claims: { exp: undefined, admin: true } })
  const { claims, issues } = inspectToken(token.reveal())
  expect(claims).toMatchObject({ admin: true })
  expect(issues).toHaveLength(3)
  expect(issues).toContain('claim exp: is missing')
  expect(issues).toContain('claim admin: unknown')
})

test('never throws', () => {
  expect(inspectToken('').issues).toContain('token: empty')
  expect(inspectToken('a.b.c')).not.toHaveProperty('claims')
  expect(inspectToken('Host=a&Signature=1|SHA256').issues).toHaveLength(1)
  expect(inspectToken('not a token').issues.length).toBeGreaterThan(0)
})
