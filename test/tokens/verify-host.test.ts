import { beforeAll, expect, test } from 'vitest'
import { type KeyPair, readCertificate } from '../../src/certs/index.ts'
import type { Reason, Secret } from '../../src/lib/index.ts'
import { type TrustList, verifyHostToken } from '../../src/tokens/index.ts'
import {
  CLAIMS,
  createIssuerPair,
  HOST_CLAIMS,
  type MintOptions,
  mint,
  mintHost,
  NOW,
  VM_GUID,
} from './minting.ts'
import { refusalOf, trustIn } from './trust.ts'

let pair: KeyPair
let gatewayPair: KeyPair
let trust: TrustList

beforeAll(async () => {
  pair = await createIssuerPair()
  gatewayPair = await createIssuerPair()
  trust = trustIn({ gateway: [gatewayPair], host: [pair] })
})

interface Circumstances {
  nowSeconds?: number
  audience?: string
  vmGuid?: string
  reopenSeconds?: number
}

function verify(token: Secret, { nowSeconds = NOW, ...options }: Circumstances = {}) {
  return verifyHostToken(token, {
    trust,
    nowMs: nowSeconds * 1000,
    audience: 'hv1',
    vmGuid: VM_GUID.toUpperCase(),
    ...options,
  })
}

function reasonOf(token: Secret, circumstances?: Circumstances): Promise<Reason> {
  return refusalOf(verify(token, circumstances))
}

test('accepts a right token and says what it allows', async () => {
  const claims = { ...HOST_CLAIMS, rcw: 300 }
  expect(await verify(mintHost(pair, { claims }))).toEqual({
    claims,
    issuerThumbprint: readCertificate(pair.certificatePem).sha256Thumbprint,
    expiredBySeconds: 0,
  })
})

const refusedMints: Array<[string, Reason, MintOptions]> = [
  ...Object.keys(HOST_CLAIMS).map((claim): [string, Reason, MintOptions] => [
    `no ${claim}`,
    'token-malformed',
    { claims: { [claim]: undefined } },
  ]),
  ["a gateway token's claim", 'token-malformed', { claims: { dst: CLAIMS.dst } }],
  ['a GUID that is none', 'token-malformed', { claims: { vmg: 'vm-1' } }],
  ['a life over 60 min', 'token-malformed', { claims: { exp: NOW + 3601 } }],
  ['a reconnect window over 300 s', 'token-malformed', { claims: { rcw: 301 } }],
  ["a gateway token's typ", 'token-malformed', { header: { typ: 'cgt+jwt' } }],
  ['alg none', 'algorithm-refused', { header: { alg: 'none' } }],
  ["another key's algorithm", 'algorithm-refused', { header: { alg: 'ES384' } }],
  ['an unknown issuer', 'issuer-unknown', { header: { 'x5t#S256': 'A'.repeat(43) } }],
  ['a false signature', 'signature-invalid', { signWith: () => Buffer.alloc(64, 1) }],
  ['a later nbf', 'token-not-yet-valid', { claims: { nbf: NOW + 6 } }],
  ['an earlier exp', 'token-expired', { claims: { iat: NOW - 60, nbf: 0, exp: NOW - 5 } }],
  ["another host's id", 'audience-mismatch', { claims: { aud: 'hv2' } }],
  ["the host's id in capitals", 'audience-mismatch', { claims: { aud: 'HV1' } }],
  ['another VM', 'vm-mismatch', { claims: { vmg: VM_GUID.replace('5', '6') } }],
]

test.each(refusedMints)('refuses %s: %s', async (_, reason, options) => {
  expect(await reasonOf(mintHost(pair, options))).toBe(reason)
})

test('an issuer for gateways opens no host, and a gateway token neither', async () => {
  expect(await reasonOf(mintHost(gatewayPair))).toBe('issuer-unknown')
  expect(await reasonOf(mint(pair))).toBe('token-malformed')
})

test('hands an expired token to a host that redeems, and only when all else is right', async () => {
  const late = { nowSeconds: NOW + 100, reopenSeconds: 120 }
  expect((await verify(mintHost(pair), late)).expiredBySeconds).toBe(40)
  expect(await reasonOf(mintHost(pair), { ...late, vmGuid: VM_GUID.replace('5', '6') })).toBe(
    'token-expired',
  )
})
