import { beforeAll, expect, test } from 'vitest'
import { type KeyPair, readCertificate } from '../../src/certs/index.ts'
import { type Reason, Secret } from '../../src/lib/index.ts'
import {
  createMemoryLedger,
  createTrustList,
  type TrustList,
  verifyGatewayToken,
  verifyLabToken,
} from '../../src/tokens/index.ts'
import { CLAIMS, createIssuerPair, type MintOptions, mint, NOW, x5tS256 } from './minting.ts'
import { refusalOf, trustIn } from './trust.ts'

let pair: KeyPair
let other: KeyPair
let hostPair: KeyPair
let trust: TrustList

beforeAll(async () => {
  pair = await createIssuerPair()
  other = await createIssuerPair()
  hostPair = await createIssuerPair()
  trust = trustIn({ gateway: [pair], host: [hostPair] })
})

interface Circumstances {
  nowSeconds?: number
  leewaySeconds?: number
  clientAddress?: string
  reopenSeconds?: number
  trust?: TrustList
  audience?: string
}

function verify(token: Secret, { nowSeconds = NOW, ...options }: Circumstances = {}) {
  return verifyGatewayToken(token, {
    trust,
    nowMs: nowSeconds * 1000,
    audience: 'Demo',
    ...options,
  })
}

function reasonOf(token: Secret, circumstances?: Circumstances): Promise<Reason> {
  return refusalOf(verify(token, circumstances))
}

test('accepts a right token and says what it allows', async () => {
  expect(await verify(mint(pair))).toEqual({
    claims: CLAIMS,
    issuerThumbprint: readCertificate(pair.certificatePem).sha256Thumbprint,
    expiredBySeconds: 0,
  })
})

test('accepts every optional claim', async () => {
  const claims = {
    knd: 'hyperv',
    vmg: '5f0fd5ae-5e1b-4c9e-9a4e-0f35f6b7a1c2',
    cip: '2001:db8:0:1::/64',
    idl: 30,
    max: 3600,
    rdr: 0xffff_ffff,
    rcw: 300,
  }
  const verified = await verify(mint(pair, { claims }), { clientAddress: '2001:db8:0:1::9' })
  expect(verified.claims).toEqual({ ...CLAIMS, ...claims })
})

const refusedMints: Array<[string, Reason, MintOptions]> = [
  ...['iss', 'aud', 'jti', 'iat', 'nbf', 'exp', 'tid', 'sub', 'vm', 'knd', 'dst'].map(
    (claim): [string, Reason, MintOptions] => [
      `no ${claim}`,
      'token-malformed',
      { claims: { [claim]: undefined } },
    ],
  ),
  ['an unknown claim', 'token-malformed', { claims: { admin: true } }],
  ['a list of audiences', 'token-malformed', { claims: { aud: ['demo'] } }],
  ['a time as text', 'token-malformed', { claims: { exp: `${NOW + 60}` } }],
  ['a negative time', 'token-malformed', { claims: { iat: -1 } }],
  ['a fractional time', 'token-malformed', { claims: { exp: NOW + 0.5 } }],
  ['a life over 60 min', 'token-malformed', { claims: { exp: NOW + 3601 } }],
  ['a long jti', 'token-malformed', { claims: { jti: 'x'.repeat(129) } }],
  ['a control character', 'token-malformed', { claims: { sub: 'a\nb' } }],
  ['a target without port', 'token-malformed', { claims: { dst: '192.0.2.10' } }],
  ['an unknown kind', 'token-malformed', { claims: { knd: 'ssh' } }],
  ['hyperv without GUID', 'token-malformed', { claims: { knd: 'hyperv' } }],
  ['a GUID that is none', 'token-malformed', { claims: { vmg: 'vm-1' } }],
  ['a client that is none', 'token-malformed', { claims: { cip: '127.1' } }],
  ['a reconnect window over 300 s', 'token-malformed', { claims: { rcw: 301 } }],
  ['another typ', 'token-malformed', { header: { typ: 'cht+jwt' } }],
  ['typ JWT', 'token-malformed', { header: { typ: 'JWT' } }],
  ['no typ', 'token-malformed', { header: { typ: undefined } }],
  ['no alg', 'token-malformed', { header: { alg: undefined } }],
  ['no thumbprint', 'token-malformed', { header: { 'x5t#S256': undefined } }],
  ...['crit', 'jku', 'x5u', 'jwk', 'x5c', 'b64', 'kid'].map(
    (parameter): [string, Reason, MintOptions] => [
      `header ${parameter}`,
      'token-malformed',
      { header: { [parameter]: parameter === 'b64' ? true : ['exp'] } },
    ],
  ),
  ['alg none', 'algorithm-refused', { header: { alg: 'none' } }],
  ['alg HS256', 'algorithm-refused', { header: { alg: 'HS256' } }],
  ['alg EdDSA', 'algorithm-refused', { header: { alg: 'EdDSA' } }],
  ['an RSA algorithm from an EC issuer', 'algorithm-refused', { header: { alg: 'RS256' } }],
  ["another curve's algorithm", 'algorithm-refused', { header: { alg: 'ES384' } }],
  ['an unknown issuer', 'issuer-unknown', { header: { 'x5t#S256': 'A'.repeat(43) } }],
  ['a false signature', 'signature-invalid', { signWith: () => Buffer.alloc(64, 1) }],
  ['a short signature', 'signature-invalid', { signWith: () => Buffer.alloc(1, 1) }],
  ['another audience', 'audience-mismatch', { claims: { aud: 'demo2' } }],
  ['an audience with capitals', 'audience-mismatch', { claims: { aud: 'Demo' } }],
  ['a later nbf', 'token-not-yet-valid', { claims: { nbf: NOW + 6 } }],
  ['a later iat', 'token-not-yet-valid', { claims: { iat: NOW + 6 } }],
  ['an earlier exp', 'token-expired', { claims: { iat: NOW - 60, nbf: 0, exp: NOW - 5 } }],
  ['another client', 'client-mismatch', { claims: { cip: '192.0.2.8' } }],
]

test.each(refusedMints)('refuses %s: %s', async (_, reason, options) => {
  expect(await reasonOf(mint(pair, options), { clientAddress: '192.0.2.7' })).toBe(reason)
})

test('refuses text that is no canonical compact JWS', async () => {
  const text = mint(pair).reveal()
  const [header = '', payload = '', signature = ''] = text.split('.')
  for (const altered of [
    '',
    '.',
    '..',
    header,
    `${header}.${payload}`,
    `${header}.${payload}.`,
    `.${payload}.${signature}`,
    `${header}..${signature}`,
    `${text}.`,
    `${text}.${signature}`,
    `${text}=`,
    `${text}==`,
    ` ${text}`,
    `${text}\n`,
    `${text}\0`,
    text.replace('.', '%2E'),
    `${header}=.${payload}.${signature}`,
    `${header}.${payload} .${signature}`,
    `${Buffer.from('[]').toString('base64url')}.${payload}.${signature}`,
    `${Buffer.from('null').toString('base64url')}.${payload}.${signature}`,
    `${header}.${Buffer.from('{').toString('base64url')}.${signature}`,
    `${header}.${Buffer.from([0x22, 0xff, 0x22]).toString('base64url')}.${signature}`,
    'x'.repeat(4097),
  ]) {
    expect(await reasonOf(new Secret(altered)), altered).toBe('token-malformed')
  }
})

test('refuses a spelling of the signature with altered trailing bits', async () => {
  // 64 bytes leave 4 bits of the last base64url character unused: 15 spellings decode alike.
  const text = mint(pair).reveal()
  const bytes = Buffer.from(text.split('.')[2] ?? '', 'base64url')
  const twins = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
    .map((last) => text.slice(0, -1) + last)
    .filter((twin) => Buffer.from(twin.split('.')[2] ?? '', 'base64url').equals(bytes))
    .filter((twin) => twin !== text)
  expect(twins).toHaveLength(15)
  for (const twin of twins) expect(await reasonOf(new Secret(twin))).toBe('token-malformed')
})

test('refuses a token of an untrusted issuer, and of one trusted for hosts only', async () => {
  expect(await reasonOf(mint(other))).toBe('issuer-unknown')
  expect(await reasonOf(mint(hostPair))).toBe('issuer-unknown')
})

test("refuses an untrusted issuer that names the trusted one's thumbprint", async () => {
  const x5t = x5tS256(readCertificate(pair.certificatePem))
  expect(await reasonOf(mint(other, { header: { 'x5t#S256': x5t } }))).toBe('signature-invalid')
})

test('compares the trust window with its own clock, never with iat', async () => {
  const windowed = createTrustList(
    [
      {
        certificate: readCertificate(pair.certificatePem),
        purpose: 'gateway',
        notBefore: new Date((NOW - 10) * 1000),
        notAfter: new Date((NOW + 10) * 1000),
      },
    ],
    NOW * 1000,
  )
  const token = mint(pair)
  expect(await reasonOf(token, { trust: windowed, nowSeconds: NOW - 11 })).toBe(
    'issuer-outside-window',
  )
  await expect(verify(token, { trust: windowed, nowSeconds: NOW + 10 })).resolves.toBeDefined()
  expect(await reasonOf(token, { trust: windowed, nowSeconds: NOW + 11 })).toBe(
    'issuer-outside-window',
  )
})

test('the first failing check gives the reason', async () => {
  const late = { nowSeconds: NOW + 100, clientAddress: '192.0.2.7' }
  const wrong = { aud: 'elsewhere', cip: '192.0.2.8' }
  const order: Array<[Reason, Secret, Circumstances]> = [
    ['token-malformed', mint(other, { header: { alg: 'none' }, claims: { admin: true } }), late],
    ['algorithm-refused', mint(other, { header: { alg: 'none' }, claims: wrong }), late],
    ['issuer-unknown', mint(other, { claims: wrong }), late],
    ['issuer-outside-window', mint(pair, { signWith: () => Buffer.alloc(64) }), { nowSeconds: 0 }],
    ['signature-invalid', mint(pair, { claims: wrong, signWith: () => Buffer.alloc(64) }), late],
    ['token-expired', mint(pair, { claims: wrong }), late],
    ['token-expired', mint(pair, { claims: wrong }), { ...late, reopenSeconds: 120 }],
    ['audience-mismatch', mint(pair, { claims: wrong }), { ...late, nowSeconds: NOW }],
    ['client-mismatch', mint(pair, { claims: { cip: wrong.cip } }), { clientAddress: '192.0.2.7' }],
  ]
  for (const [reason, token, circumstances] of order) {
    expect(await reasonOf(token, circumstances)).toBe(reason)
  }
})

test('forgives clock differences up to the leeway, which is 5 s and never over 30 s', async () => {
  const token = mint(pair)
  await expect(verify(token, { nowSeconds: NOW - 5 })).resolves.toBeDefined()
  expect(await reasonOf(token, { nowSeconds: NOW - 5.1 })).toBe('token-not-yet-valid')
  await expect(verify(token, { nowSeconds: NOW + 64.9 })).resolves.toBeDefined()
  expect(await reasonOf(token, { nowSeconds: NOW + 65 })).toBe('token-expired')
  expect(await reasonOf(token, { nowSeconds: NOW + 60, leewaySeconds: 0 })).toBe('token-expired')
  expect(await reasonOf(token, { nowSeconds: NOW + 90, leewaySeconds: 600 })).toBe('token-expired')
})

test('hands an expired token to a caller that redeems, within its window only', async () => {
  const token = mint(pair)
  const verified = await verify(token, { nowSeconds: NOW + 100, reopenSeconds: 120 })
  expect(verified.expiredBySeconds).toBe(40)
  expect(await reasonOf(token, { nowSeconds: NOW + 185, reopenSeconds: 120 })).toBe('token-expired')
})

test('a token bound to a client needs to know the client', async () => {
  const token = mint(pair, { claims: { cip: '192.0.2.7' } })
  await expect(verify(token, { clientAddress: '::ffff:192.0.2.7' })).resolves.toBeDefined()
  expect(await reasonOf(token)).toBe('client-mismatch')
  expect(await reasonOf(token, { clientAddress: 'nonsense' })).toBe('client-mismatch')
})

test("ECDSA's second signature of a token makes it no second token", async () => {
  // With (r, s) the pair (r, n - s) is right as well, and whoever has the token can compute it.
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const token = mint(pair)
  const [header, payload, signature = ''] = token.reveal().split('.')
  const [r, s] = [0, 64].map((at) =>
    Buffer.from(signature, 'base64url')
      .toString('hex')
      .slice(at, at + 64),
  )
  const twin = (order - BigInt(`0x${s}`)).toString(16).padStart(64, '0')
  const twinSignature = Buffer.from(`${r}${twin}`, 'hex').toString('base64url')
  const second = await verify(new Secret(`${header}.${payload}.${twinSignature}`))
  const ledger = createMemoryLedger({ clock: { now: () => NOW * 1000 }, clientBinding: 'address' })
  await ledger.redeem({ token: await verify(token), clientAddress: '192.0.2.7', tunnel: 'a' })
  await expect(
    ledger.redeem({ token: second, clientAddress: '192.0.2.8', tunnel: 'b' }),
  ).rejects.toMatchObject({ reason: 'client-mismatch' })
})

test('an issuer for laboratories and one for gateways are never taken for each other', async () => {
  const [ofLab, ofUsers] = [mint(other), mint(pair)]
  const both = trustIn({ gateway: [pair], lab: [other] })
  const options = { trust: both, nowMs: NOW * 1000, audience: 'Demo' }
  expect(await refusalOf(verifyGatewayToken(ofLab, options))).toBe('issuer-unknown')
  expect(await refusalOf(verifyLabToken(ofUsers, options))).toBe('issuer-unknown')
  expect((await verifyLabToken(ofLab, options)).claims).toEqual(CLAIMS)
  expect(await refusalOf(verifyLabToken(ofLab, { ...options, audience: 'other' }))).toBe(
    'audience-mismatch',
  )
})
