import { beforeAll, expect, test } from 'vitest'
import {
  type Certificate,
  createAuthority,
  issueCertificate,
  readCertificate,
} from '../../src/certs/index.ts'
import { createTrustList } from '../../src/tokens/index.ts'
import { createIssuerPair, NOW, x5tS256 } from './minting.ts'

let certificate: Certificate

beforeAll(async () => {
  certificate = readCertificate((await createIssuerPair()).certificatePem)
})

test('finds an issuer by thumbprint and purpose', () => {
  const trust = createTrustList([{ certificate, purpose: 'gateway' }], NOW * 1000)
  expect(trust.find(x5tS256(certificate), 'gateway')?.certificate).toBe(certificate)
  expect(trust.find(x5tS256(certificate), 'host')).toBeUndefined()
  expect(trust.issuers).toHaveLength(1)
})

test('one certificate may serve both purposes', () => {
  const entries = [
    { certificate, purpose: 'gateway' },
    { certificate, purpose: 'host' },
  ] as const
  expect(createTrustList([...entries], NOW * 1000).issuers).toHaveLength(2)
})

test('the window is never wider than the certificate', () => {
  const { issuers } = createTrustList(
    [
      {
        certificate,
        purpose: 'gateway',
        notBefore: new Date(0),
        notAfter: new Date('2100-01-01'),
      },
    ],
    NOW * 1000,
  )
  expect(issuers[0]?.notBeforeMs).toBe(certificate.notBefore.getTime())
  expect(issuers[0]?.notAfterMs).toBe(certificate.notAfter.getTime())
})

test('names the issuer and what is wrong with it', async () => {
  const authority = await createAuthority({
    commonName: 'Authority',
    organization: 'Example',
    notBefore: new Date((NOW - 60) * 1000),
    days: 1,
  })
  const entry = { certificate, purpose: 'gateway' } as const
  const load = (...entries: Parameters<typeof createTrustList>[0]) =>
    createTrustList(entries, NOW * 1000)
  expect(() =>
    load({ certificate: readCertificate(authority.certificatePem), purpose: 'gateway' }),
  ).toThrow(/^issuer CN=Authority, O=Example \([0-9A-F]{40}\): key usage lacks digitalSignature$/)
  expect(() => load(entry, entry)).toThrow('listed twice for gateway')
  expect(() => createTrustList([entry], Date.parse('2027-06-01'))).toThrow('expired on 2026-12-21')
  expect(() => load({ ...entry, notAfter: new Date(0) })).toThrow('trust window is empty')
  expect(() => load({ ...entry, notBefore: new Date('no date') })).toThrow('trust window is empty')
})

test('takes no certificate that was made for something else, such as TLS or publishing', async () => {
  const common = { organization: 'Example', notBefore: new Date((NOW - 60) * 1000), days: 1 }
  const authority = await createAuthority({ ...common, commonName: 'Authority' })
  for (const role of ['tls', 'publisher'] as const) {
    const pair = await issueCertificate({
      ...common,
      authority,
      role,
      commonName: 'other',
      names: ['localhost'],
    })
    const other = readCertificate(pair.certificatePem)
    expect(() => createTrustList([{ certificate: other, purpose: 'gateway' }], NOW * 1000)).toThrow(
      /made for other things \([0-9.]+\); need one for clientAuth$/,
    )
  }
})
