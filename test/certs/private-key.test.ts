import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { expect, test } from 'vitest'
import { isEncryptedKey, openPrivateKey } from '../../src/certs/index.ts'
import { Secret } from '../../src/lib/index.ts'

const PASS_PHRASE = 'correct horse'
const ENCRYPTED = { cipher: 'aes-256-cbc', passphrase: PASS_PHRASE } as const
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey

const plain = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString()

test.each<[string, string, KeyObject]>([
  ['PKCS#8', ec.export({ type: 'pkcs8', format: 'pem', ...ENCRYPTED }).toString(), ec],
  ['PKCS#8 with RSA', rsa.export({ type: 'pkcs8', format: 'pem', ...ENCRYPTED }).toString(), rsa],
  ['SEC 1', ec.export({ type: 'sec1', format: 'pem', ...ENCRYPTED }).toString(), ec],
  ['PKCS#1', rsa.export({ type: 'pkcs1', format: 'pem', ...ENCRYPTED }).toString(), rsa],
])('an encrypted key in %s opens with its pass phrase alone', (_, pem, key) => {
  expect(isEncryptedKey(pem)).toBe(true)
  expect(openPrivateKey(pem, new Secret(PASS_PHRASE), 'key')).toBe(plain(key))
  for (const wrong of ['correct horses', '']) {
    const message = 'key: wrong pass phrase, or the file was damaged'
    expect(() => openPrivateKey(pem, new Secret(wrong), 'key')).toThrow(message)
  }
  const message = 'key: encrypted, and its pass phrase is not given'
  expect(() => openPrivateKey(pem, undefined, 'key')).toThrow(message)
})

test.each<[string, string]>([
  ['PKCS#8', plain(ec)],
  ['SEC 1', ec.export({ type: 'sec1', format: 'pem' }).toString()],
  ['PKCS#8 behind other text', `Bag Attributes\n  friendlyName: x\n${plain(ec)}`],
])('a key in %s needs no pass phrase, and none is in its way', (_, pem) => {
  expect(isEncryptedKey(pem)).toBe(false)
  for (const passPhrase of [undefined, new Secret(PASS_PHRASE)]) {
    expect(openPrivateKey(pem, passPhrase, 'key')).toBe(plain(ec))
  }
})

test('what holds no whole key is told so', () => {
  for (const text of ['', plain(ec).slice(0, 100)]) {
    expect(() => openPrivateKey(text, undefined, 'key')).toThrow('key: holds no whole private key')
  }
})
