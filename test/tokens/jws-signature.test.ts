import { constants, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { CompactSign, compactVerify } from 'jose'
import { expect, test } from 'vitest'
import type { Algorithm } from '../../src/tokens/algorithms.ts'
import { isSignedBy, signText } from '../../src/tokens/jws-signature.ts'

interface Keys {
  publicKey: KeyObject
  privateKey: KeyObject
}

const rsa: Keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
const p256: Keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const p384: Keys = generateKeyPairSync('ec', { namedCurve: 'P-384' })

const KEYS: [Algorithm, Keys][] = [
  ['RS256', rsa],
  ['RS512', rsa],
  ['PS256', rsa],
  ['PS512', rsa],
  ['ES256', p256],
  ['ES384', p384],
]
const signedText = 'eyJhIjoxfQ.eyJiIjoyfQ'
const bytes = Buffer.from(signedText)

test.for(KEYS)(
  '%s: takes what jose signs, and no altered byte of it',
  async ([algorithm, keys]) => {
    const jws = await new CompactSign(Buffer.from('payload'))
      .setProtectedHeader({ alg: algorithm })
      .sign(keys.privateKey)
    const [header, payload, third = ''] = jws.split('.')
    const signature = Buffer.from(third, 'base64url')
    const text = `${header}.${payload}`
    expect(isSignedBy(keys.publicKey, algorithm, { signedText: text, signature })).toBe(true)
    expect(isSignedBy(keys.publicKey, algorithm, { signedText: `${text}x`, signature })).toBe(false)
    for (const index of [0, signature.length >> 1, signature.length - 1]) {
      const altered = Buffer.from(signature)
      altered[index] = (altered[index] ?? 0) ^ 1
      const part = { signedText: text, signature: altered }
      expect(isSignedBy(keys.publicKey, algorithm, part)).toBe(false)
    }
    for (const length of [0, 1, signature.length - 1]) {
      const part = { signedText: text, signature: signature.subarray(0, length) }
      expect(isSignedBy(keys.publicKey, algorithm, part)).toBe(false)
    }
    const longer = Buffer.concat([signature, Buffer.alloc(1)])
    expect(isSignedBy(keys.publicKey, algorithm, { signedText: text, signature: longer })).toBe(
      false,
    )
  },
)

test.for(KEYS)('%s: jose takes what is signed here', async ([algorithm, keys]) => {
  const text = [{ alg: algorithm }, 'payload']
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const signature = await signText(keys.privateKey, algorithm, text)
  await compactVerify(`${text}.${signature.toString('base64url')}`, keys.publicKey)
})

test('refuses PSS with a salt of another length, and PKCS#1 in its place', () => {
  const padding = constants.RSA_PKCS1_PSS_PADDING
  for (const saltLength of [0, 20, constants.RSA_PSS_SALTLEN_MAX_SIGN]) {
    const signature = sign('sha256', bytes, { key: rsa.privateKey, padding, saltLength })
    expect(isSignedBy(rsa.publicKey, 'PS256', { signedText, signature })).toBe(false)
  }
  const pkcs1 = sign('sha256', bytes, rsa.privateKey)
  expect(isSignedBy(rsa.publicKey, 'PS256', { signedText, signature: pkcs1 })).toBe(false)
  expect(isSignedBy(rsa.publicKey, 'RS512', { signedText, signature: pkcs1 })).toBe(false)
  expect(isSignedBy(rsa.publicKey, 'RS256', { signedText, signature: pkcs1 })).toBe(true)
})

test('refuses an ECDSA signature in the DER of X.509', () => {
  const signature = sign('sha256', bytes, p256.privateKey)
  expect(isSignedBy(p256.publicKey, 'ES256', { signedText, signature })).toBe(false)
})

test('takes ECDSA signatures whose numbers are short, and none with numbers that cannot be', () => {
  const key = { key: p256.privateKey, dsaEncoding: 'ieee-p1363' } as const
  let short = 0
  // One number in 256 begins with a zero byte.
  for (let tries = 0; short < 2 && tries < 10_000; tries += 1) {
    const signature = sign('sha256', bytes, key)
    if (signature[0] !== 0 && signature[32] !== 0) continue
    short += 1
    expect(isSignedBy(p256.publicKey, 'ES256', { signedText, signature })).toBe(true)
  }
  expect(short).toBe(2)
  for (const fill of [0x00, 0x01, 0x80, 0xff]) {
    const signature = Buffer.alloc(64, fill)
    expect(isSignedBy(p256.publicKey, 'ES256', { signedText, signature })).toBe(false)
  }
})

test('fills ECDSA signatures up whose numbers are short', async () => {
  const key = { key: p256.publicKey, dsaEncoding: 'ieee-p1363' } as const
  const short = { r: false, s: false }
  for (let tries = 0; !(short.r && short.s) && tries < 10_000; tries += 1) {
    const signature = await signText(p256.privateKey, 'ES256', signedText)
    expect(signature).toHaveLength(64)
    if (signature[0] !== 0 && signature[32] !== 0) continue
    short[signature[0] === 0 ? 'r' : 's'] = true
    expect(verify('sha256', bytes, key, signature)).toBe(true)
  }
  expect(short).toEqual({ r: true, s: true })
})
