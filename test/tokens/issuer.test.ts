import { beforeAll, expect, test } from 'vitest'
import { createAuthority, type KeyPair, readCertificate } from '../../src/certs/index.ts'
import {
  createIssuer,
  createTrustList,
  verifyFedAuthToken,
  verifyGatewayToken,
  verifyHostToken,
} from '../../src/tokens/index.ts'
import { CLAIMS, createIssuerPair, HOST_CLAIMS, NOW, VM_GUID } from './minting.ts'

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

test.each([
  ['ec-p256', 'ES256', false],
  ['ec-p384', 'ES384', false],
  ['rsa-2048', 'RS256', true],
  ['rsa-3072', 'RS256', true],
  ['rsa-4096', 'RS256', true],
] as const)(
  '%s signs with %s what verifiers accept, FedAuth %s',
  async (key, algorithm, fedAuth) => {
    const issuer = await createIssuer(await createIssuerPair(key))
    const { certificate } = issuer
    const trust = createTrustList(
      [
        { certificate, purpose: 'gateway' },
        { certificate, purpose: 'host' },
      ],
      NOW * 1000,
    )
    const circumstances = { trust, nowMs: NOW * 1000 }
    expect(issuer.algorithm).toBe(algorithm)
    const gatewayToken = await issuer.sign(CLAIMS)
    await verifyGatewayToken(gatewayToken, { ...circumstances, audience: 'demo' })
    const hostToken = await issuer.signHost(HOST_CLAIMS)
    await verifyHostToken(hostToken, { ...circumstances, audience: 'hv1', vmGuid: VM_GUID })
    expect(issuer.signFedAuth !== undefined).toBe(fedAuth)
    const signed = await issuer.signFedAuth?.({ dst: 'hv1.example:2179', exp: NOW + 60 })
    if (signed === undefined) return
    const { claims } = await verifyFedAuthToken(signed.token, circumstances)
    expect(claims).toMatchObject({ jti: signed.jti, dst: 'hv1.example:2179', exp: NOW + 60 })
  },
)

test('a slow key signs off the main thread', async () => {
  const issuer = await createIssuer(await createIssuerPair('rsa-4096'))
  const fedAuth = { dst: 'hv1.example:2179', exp: NOW + 60 }
  for (const sign of [() => issuer.sign(CLAIMS), () => issuer.signFedAuth?.(fedAuth)]) {
    let isSigned = false
    const signed = sign()?.then(() => {
      isSigned = true
    })
    // What another thread has done is told when the loop turns, and not before.
    for (let count = 0; count < 1_000; count += 1) await undefined
    expect(isSigned).toBe(false)
    await signed
  }
})

test('signs no FedAuth token that a verifier would refuse', async () => {
  const { signFedAuth } = await createIssuer(await createIssuerPair('rsa-2048'))
  if (signFedAuth === undefined) throw new Error('an RSA issuer signs FedAuth tokens')
  await expect(signFedAuth({ dst: 'hv1.example', exp: NOW + 60 })).rejects.toThrow('need host:port')
  const afterItsLife = NOW + 40 * 86_400
  await expect(signFedAuth({ dst: 'hv1.example:2179', exp: afterItsLife })).rejects.toThrow(
    'issuer CN=Issuer, O=Example: valid from',
  )
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
