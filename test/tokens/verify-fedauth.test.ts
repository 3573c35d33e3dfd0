import { constants, createPrivateKey, sign } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { type KeyPair, readCertificate } from '../../src/certs/index.ts'
import type { Reason, Secret } from '../../src/lib/index.ts'
import { fedAuthId } from '../../src/tokens/fedauth-token.ts'
import {
  createMemoryLedger,
  createTrustList,
  type TrustList,
  verifyAnyGatewayToken,
  verifyFedAuthToken,
} from '../../src/tokens/index.ts'
import {
  createIssuerPair,
  FEDAUTH_TEXT,
  type MintFedAuthOptions,
  mint,
  mintFedAuth,
  NOW,
  thumbprintOf,
} from './minting.ts'
import { refusalOf, trustIn } from './trust.ts'

let pair: KeyPair
let ecPair: KeyPair
let other: KeyPair
let hostPair: KeyPair
let trust: TrustList

beforeAll(async () => {
  pair = await createIssuerPair('rsa-2048')
  ecPair = await createIssuerPair()
  other = await createIssuerPair('rsa-2048')
  hostPair = await createIssuerPair('rsa-2048')
  trust = trustIn({ gateway: [pair, ecPair], host: [hostPair] })
})

interface Circumstances {
  nowSeconds?: number
  reopenSeconds?: number
  trust?: TrustList
}

function verify(token: Secret, { nowSeconds = NOW, ...options }: Circumstances = {}) {
  return verifyFedAuthToken(token, { trust, nowMs: nowSeconds * 1000, ...options })
}

function reasonOf(token: Secret, circumstances?: Circumstances): Promise<Reason> {
  return refusalOf(verify(token, circumstances))
}

const signWith =
  (hash: string, options: { padding?: number; saltLength?: number } = {}) =>
  (bytes: Buffer): Buffer =>
    sign(hash, bytes, { key: createPrivateKey(pair.privateKeyPem), ...options })

const PSS = {
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
}

test('accepts a right token and says that it names no VM', async () => {
  expect(await verify(mintFedAuth(pair))).toEqual({
    vmUnbound: true,
    claims: {
      jti: fedAuthId(FEDAUTH_TEXT),
      iat: NOW - 3540,
      exp: NOW + 60,
      knd: 'hyperv',
      dst: 'hv1.example:2179',
    },
    issuerThumbprint: thumbprintOf(pair),
    expiredBySeconds: 0,
  })
})

test.each([
  ['SHA256', 'sha256', {}],
  ['SHA512', 'sha512', {}],
  ['SHA256', 'sha256', PSS],
  ['SHA512', 'sha512', PSS],
])('accepts %s in both paddings (%s %o)', async (hash, digest, options) => {
  const token = mintFedAuth(pair, { hash, signWith: signWith(digest, options) })
  await expect(verify(token)).resolves.toMatchObject({ claims: { dst: 'hv1.example:2179' } })
})

const refusedMints: Array<[string, Reason, MintFedAuthOptions]> = [
  ['SHA1', 'algorithm-refused', { hash: 'SHA1', signWith: (bytes) => signWith('sha1')(bytes) }],
  ['a false hash name', 'signature-invalid', { hash: 'SHA512' }],
  ['an unknown issuer', 'issuer-unknown', { thumbprint: 'AB'.repeat(20) }],
  ['a false signature', 'signature-invalid', { signWith: () => Buffer.alloc(256, 1) }],
  ['a short signature', 'signature-invalid', { signWith: () => Buffer.alloc(1, 1) }],
  ['a long signature', 'signature-invalid', { signWith: () => Buffer.alloc(600, 1) }],
  [
    'another salt length',
    'signature-invalid',
    { signWith: (bytes) => signWith('sha256', { ...PSS, saltLength: 20 })(bytes) },
  ],
  ['an unknown name', 'token-malformed', { signedText: `${FEDAUTH_TEXT}&VMID=1` }],
  ['a name twice', 'token-malformed', { signedText: `${FEDAUTH_TEXT}&Port=2179` }],
  ['nothing signed', 'token-malformed', { signedText: '' }],
  [
    'an expiry too far ahead',
    'token-not-yet-valid',
    { signedText: FEDAUTH_TEXT.replace(`${NOW + 60}`, `${NOW + 3606}`) },
  ],
  [
    'an earlier expiry',
    'token-expired',
    { signedText: FEDAUTH_TEXT.replace(`${NOW + 60}`, `${NOW - 5}`) },
  ],
]

test.each(refusedMints)('refuses %s: %s', async (_, reason, options) => {
  expect(await reasonOf(mintFedAuth(pair, options))).toBe(reason)
})

test('reads no claim before the signature is verified', async () => {
  const signedText = 'no claims at all'.replaceAll(' ', '')
  expect(await reasonOf(mintFedAuth(other, { signedText }))).toBe('issuer-unknown')
  const { sha1Thumbprint: thumbprint } = readCertificate(pair.certificatePem)
  expect(await reasonOf(mintFedAuth(other, { signedText, thumbprint }))).toBe('signature-invalid')
  expect(await reasonOf(mintFedAuth(pair, { signedText }))).toBe('token-malformed')
})

test('takes only issuers for gateways with an RSA key, and within their window', async () => {
  expect(await reasonOf(mintFedAuth(hostPair))).toBe('issuer-unknown')
  expect(await reasonOf(mintFedAuth(ecPair))).toBe('algorithm-refused')
  const certificate = readCertificate(pair.certificatePem)
  const notAfter = new Date((NOW + 10) * 1000)
  const windowed = createTrustList([{ certificate, purpose: 'gateway', notAfter }], NOW * 1000)
  expect(await reasonOf(mintFedAuth(pair), { trust: windowed, nowSeconds: NOW + 11 })).toBe(
    'issuer-outside-window',
  )
})

test('hands an expired token to a caller that redeems, within its window only', async () => {
  const token = mintFedAuth(pair)
  const late = { nowSeconds: NOW + 100, reopenSeconds: 120 }
  expect((await verify(token, late)).expiredBySeconds).toBe(40)
  expect(await reasonOf(token, { ...late, nowSeconds: NOW + 185 })).toBe('token-expired')
})

test('two signatures of one text are one token to the ledger', async () => {
  const clock = { now: () => NOW * 1000 }
  const ledger = createMemoryLedger({ clock, clientBinding: 'address' })
  const first = await verify(mintFedAuth(pair))
  await ledger.redeem({ token: first, clientAddress: '192.0.2.7', tunnel: 'a' })
  const second = await verify(mintFedAuth(pair, { signWith: signWith('sha256', PSS) }))
  await expect(
    ledger.redeem({ token: second, clientAddress: '192.0.2.8', tunnel: 'b' }),
  ).rejects.toMatchObject({ reason: 'client-mismatch' })
})

test('either format is told by its looks', async () => {
  const options = { trust, nowMs: NOW * 1000, audience: 'demo' }
  expect(await verifyAnyGatewayToken(mintFedAuth(pair), options)).toMatchObject({ vmUnbound: true })
  const native = await verifyAnyGatewayToken(mint(ecPair), options)
  expect(native.vmUnbound).toBeUndefined()
  expect(native.claims.vm).toBe('vm-1')
})
