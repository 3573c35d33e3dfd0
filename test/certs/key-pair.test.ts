import { generateKeyPairSync } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { checkPair, createAuthority, type KeyPair } from '../../src/certs/index.ts'

let pair: KeyPair

beforeAll(async () => {
  pair = await createAuthority({
    commonName: 'Root',
    organization: 'Example',
    notBefore: new Date('2026-11-21T12:00:00Z'),
    days: 10,
  })
})

test('accepts a key with its own certificate', () => {
  const { certificate, privateKey } = checkPair(pair)
  expect(certificate.subject).toBe('CN=Root, O=Example')
  expect(privateKey.type).toBe('private')
})

test('names the key and what is wrong with it', () => {
  const pkcs8 = { type: 'pkcs8', format: 'pem' } as const
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const encrypted = other.export({ ...pkcs8, cipher: 'aes-256-cbc', passphrase: 'x' }).toString()
  const cases: Array<[string, string]> = [
    ['', 'tls private key: no BEGIN PRIVATE KEY line'],
    [pair.certificatePem, 'tls private key: no BEGIN PRIVATE KEY line'],
    [pair.privateKeyPem.slice(0, 60), 'tls private key: cut off: no END PRIVATE KEY line'],
    [
      pair.privateKeyPem.slice(0, 40) + pair.privateKeyPem.slice(80),
      'tls private key: not readable: ',
    ],
    [encrypted, 'tls private key: encrypted, and its pass phrase is not given'],
    [other.export(pkcs8).toString(), 'tls private key: does not belong to certificate CN=Root'],
    [rsa.export(pkcs8).toString(), 'tls private key: does not belong to certificate CN=Root'],
  ]
  for (const [privateKeyPem, message] of cases) {
    expect(() => checkPair({ ...pair, privateKeyPem }, 'tls')).toThrow(message)
  }
})

test('errors hold no part of the key', () => {
  const line = pair.privateKeyPem.split('\n')[1] ?? ''
  for (const cut of [70, 100, 150]) {
    try {
      checkPair({ ...pair, privateKeyPem: pair.privateKeyPem.slice(0, cut) })
      expect.unreachable()
    } catch (error) {
      expect(String(error)).not.toContain(line.slice(0, 16))
    }
  }
})
