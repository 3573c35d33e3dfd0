import { beforeAll, expect, test } from 'vitest'
import { createAuthority, type KeyPair, readCertificate } from '../../src/certs/index.ts'
import { createIssuer, createTrustList, verifyGatewayToken } from '../../src/tokens/index.ts'
import { CLAIMS, createIssuerPair, NOW } from './minting.ts'

let pair: KeyPair

beforeAll(async () => {
  pair = await createIssuerPair()
})

test('what it signs a gateway that trusts it accepts', async () => {
  const issuer = await createIssuer(pair)
  const trust = createTrustList(
    [{ certificate: issuer.certificate, purpose: 'gateway' }],
    NOW * 1000,
  )
  const token = await issuer.sign(CLAIMS)
  const verified = await verifyGatewayToken(token, { trust, nowMs: NOW * 1000, audience: 'demo' })
  expect(issuer.algorithm).toBe('ES256')
  expect(verified.claims).toEqual(CLAIMS)
  expect(verified.issuerThumbprint).toBe(readCertificate(pair.certificatePem).sha256Thumbprint)
})

test('a plain token stays under 700 characters', async () => {
  const issuer = await createIssuer(pair)
  expect((await issuer.sign(CLAIMS)).length).toBeLessThan(700)
})

test('refuses claims that no verifier would take', async () => {
  const issuer = await createIssuer(pair)
  await expect(issuer.sign({ ...CLAIMS, exp: NOW + 3601 })).rejects.toThrow('need at most 3600 s')
})

test('hands out no token over 1500 characters', async () => {
  const issuer = await createIssuer(pair)
  const wide = '語'.repeat(128)
  await expect(issuer.sign({ ...CLAIMS, tid: wide, sub: wide, vm: wide })).rejects.toThrow(
    /characters, may have 1500/,
  )
})

test('signs only within the life of its certificate', async () => {
  const issuer = await createIssuer(pair)
  const claims = { ...CLAIMS, iat: NOW - 7200, exp: NOW - 7140 }
  await expect(issuer.sign(claims)).rejects.toThrow('issuer CN=Issuer, O=Example: valid from')
})

test('refuses a certificate that may not sign', async () => {
  const authority = await createAuthority({
    commonName: 'Authority',
    organization: 'Example',
    notBefore: new Date(),
    days: 1,
  })
  await expect(createIssuer(authority)).rejects.toThrow('key usage lacks digitalSignature')
})
