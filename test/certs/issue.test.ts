import { X509Certificate } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import {
  type AuthorityOptions,
  checkPair,
  createAuthority,
  issueCertificate,
  type KeyPair,
  readCertificate,
} from '../../src/certs/index.ts'
import { describeKey } from '../../src/certs/keys.ts'

const notBefore = new Date('2026-11-21T12:00:00Z')
let authority: KeyPair

beforeAll(async () => {
  authority = await createAuthority({
    commonName: 'Root',
    organization: 'Example',
    notBefore,
    days: 10,
  })
})

interface Changes extends Partial<AuthorityOptions> {
  authority?: KeyPair
  role?: 'issuer' | 'publisher' | 'tls'
  names?: string[]
}

const issue = (changes: Changes = {}): Promise<KeyPair> =>
  issueCertificate({
    authority,
    role: 'tls',
    commonName: 'Leaf',
    organization: 'Example',
    notBefore,
    days: 10,
    ...changes,
  })

test('an authority may sign certificates and nothing else', () => {
  const native = new X509Certificate(authority.certificatePem)
  expect(native.ca).toBe(true)
  expect(native.verify(native.publicKey)).toBe(true)
  expect(readCertificate(authority.certificatePem).digitalSignature).toBe(false)
})

test('an issuer signs, for client authentication, and is no authority', async () => {
  const { certificatePem } = await issue({ role: 'issuer' })
  const native = new X509Certificate(certificatePem)
  expect(native.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  expect(native.ca).toBe(false)
  expect(native.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
  const certificate = readCertificate(certificatePem)
  expect(certificate.digitalSignature).toBe(true)
  expect(certificate.development).toBe(false)
})

test('a TLS certificate carries DNS names and addresses of both families', async () => {
  const { certificatePem } = await issue({
    names: ['GW1.example', '*.apps.example', '127.0.0.1', '::1'],
  })
  const native = new X509Certificate(certificatePem)
  expect(native.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  expect(native.checkIssued(new X509Certificate(authority.certificatePem))).toBe(true)
  expect(native.verify(new X509Certificate(authority.certificatePem).publicKey)).toBe(true)
  expect(native.checkHost('gw1.example')).toBe('gw1.example')
  expect(native.checkIP('127.0.0.1')).toBe('127.0.0.1')
  expect(native.checkIP('::1')).toBe('::1')
  const { dnsNames, ipAddresses } = readCertificate(certificatePem)
  expect(dnsNames).toEqual(['gw1.example', '*.apps.example'])
  expect(ipAddresses).toHaveLength(2)
})

test('serial numbers are random and positive', async () => {
  const serials = await Promise.all(
    [1, 2, 3].map(async () => new X509Certificate((await issue()).certificatePem).serialNumber),
  )
  expect(new Set(serials).size).toBe(3)
  for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/)
})

test('refuses names that are neither DNS name nor address', async () => {
  for (const name of ['', 'a b', 'a..b', '-\0', 'http://x', 'x'.repeat(64)]) {
    await expect(issue({ names: [name] }), name).rejects.toThrow(
      'neither a DNS name nor an address',
    )
  }
})

test('refuses to outlive the authority', async () => {
  await expect(issue({ days: 11 })).rejects.toThrow("later than the authority's")
})

test('refuses an authority whose key is another', async () => {
  const other = await issue()
  await expect(
    issue({ authority: { ...authority, privateKeyPem: other.privateKeyPem } }),
  ).rejects.toThrow('authority private key: does not belong to certificate CN=Root, O=Example')
})

test('makes certificates with every kind of key and hash, and authorities that sign them', async () => {
  const rsaAuthority = await createAuthority({
    commonName: 'RSA root',
    organization: 'Example',
    notBefore,
    days: 10,
    key: 'rsa-2048',
    hash: 'sha384',
  })
  expect(readCertificate(rsaAuthority.certificatePem).signatureHash).toBe('SHA-384')
  for (const key of ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-3072'] as const) {
    for (const signer of [authority, rsaAuthority]) {
      const pair = await issue({ authority: signer, key, hash: 'sha512' })
      const { certificate } = checkPair(pair)
      expect(describeKey(certificate.publicKey)).toBe(key)
      expect(certificate.signatureHash).toBe('SHA-512')
      const native = new X509Certificate(pair.certificatePem)
      expect(native.verify(new X509Certificate(signer.certificatePem).publicKey)).toBe(true)
    }
  }
})

test('a publisher signs code', async () => {
  const certificate = readCertificate((await issue({ role: 'publisher' })).certificatePem)
  expect(certificate.extendedUsages).toEqual(['1.3.6.1.5.5.7.3.3'])
  expect(certificate.digitalSignature).toBe(true)
})
