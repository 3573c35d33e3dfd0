import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { describeKey, importSigningKey, keyTypeOf } from '../../src/certs/keys.ts'

test('knows the kinds of key that this product uses, and describes the others', () => {
  const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).publicKey
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
  expect([ec('P-256'), ec('P-384'), rsa].map(keyTypeOf)).toEqual(['ec-p256', 'ec-p384', 'rsa-2048'])
  const others = [ec('P-521'), generateKeyPairSync('ed25519').publicKey]
  expect(others.map(keyTypeOf)).toEqual([undefined, undefined])
  expect(others.map(describeKey)).toEqual(['ec-secp521r1', 'ed25519'])
})

test('signs with no key of another kind', async () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  await expect(importSigningKey(privateKey, 'sha256')).rejects.toThrow(
    'private key: need one of ec-p256, ec-p384, rsa-2048, rsa-3072, rsa-4096, have ed25519',
  )
})

test('an imported key cannot be taken out again', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const { key, algorithm } = await importSigningKey(privateKey, 'sha512')
  expect(algorithm).toEqual({ name: 'ECDSA', hash: 'SHA-512' })
  expect(key.extractable).toBe(false)
})
