import { beforeAll, expect, test } from 'vitest'
import { createGatewayTokenMint } from '../../src/broker/gateway-tokens.ts'
import { createIssuer, type GatewayClaims, type Issuer } from '../../src/tokens/index.ts'
import { CLAIMS, createIssuerPair, NOW } from '../tokens/minting.ts'

const HYPERV: GatewayClaims = {
  ...CLAIMS,
  knd: 'hyperv',
  vmg: '3f2504e0-4f89-11d3-9a0c-0305e82c3301',
}

let issuer: Issuer
const fedAuth = (minLifetimeSeconds = 5) => ({
  tokenFormat: 'fedauth' as const,
  minLifetimeSeconds,
})

beforeAll(async () => {
  issuer = await createIssuer(await createIssuerPair('rsa-2048'))
})

test('no two FedAuth tokens for one host are the same', async () => {
  const tokens = createGatewayTokenMint()
  const minted = await Promise.all([1, 2, 3].map(() => tokens.mint(issuer, HYPERV, fedAuth())))
  expect(minted.map(({ exp }) => exp)).toEqual([NOW + 60, NOW + 59, NOW + 58])
  expect(new Set(minted.map(({ jti }) => jti)).size).toBe(3)
  const elsewhere = await tokens.mint(issuer, { ...HYPERV, dst: '192.0.2.11:2179' }, fedAuth())
  expect(elsewhere.exp).toBe(NOW + 60)
})

test('mints none that would have to live shorter than policy allows', async () => {
  const tokens = createGatewayTokenMint()
  await tokens.mint(issuer, HYPERV, fedAuth(59))
  await tokens.mint(issuer, HYPERV, fedAuth(59))
  await expect(tokens.mint(issuer, HYPERV, fedAuth(59))).rejects.toMatchObject({
    problem: 'rate-limited',
  })
  const later = { ...HYPERV, iat: NOW + 61, exp: NOW + 121 }
  expect((await tokens.mint(issuer, later, fedAuth(59))).exp).toBe(NOW + 121)
})

test('native tokens keep their claims', async () => {
  const native = { tokenFormat: 'native', minLifetimeSeconds: 5 } as const
  const { jti, exp } = await createGatewayTokenMint().mint(issuer, CLAIMS, native)
  expect({ jti, exp }).toEqual({ jti: CLAIMS.jti, exp: CLAIMS.exp })
})
