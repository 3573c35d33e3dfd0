import { expect, test } from 'vitest'
import {
  type Certificate,
  createAuthority,
  issueCertificate,
  type KeyPair,
  readCertificate,
} from '../../src/certs/index.ts'
import { createTrustListFromPem, x5tS256Of } from '../../src/tokens/index.ts'

const NOW = Date.UTC(2026, 10, 21)
const DAY_MS = 24 * 60 * 60 * 1000

async function makeIssuer(organization = 'Example'): Promise<Certificate> {
  const common = { organization, notBefore: new Date(NOW - DAY_MS) }
  const authority: KeyPair = await createAuthority({ ...common, commonName: 'ca', days: 100 })
  const pair = await issueCertificate({
    ...common,
    authority,
    role: 'issuer',
    commonName: 'issuer',
    days: 2,
  })
  return readCertificate(pair.certificatePem)
}

const entry = ({ pem, sha256Thumbprint }: Certificate) => ({
  certificatePem: pem,
  sha256Thumbprint,
  purpose: 'gateway' as const,
})

const PRODUCTION = { nowMs: NOW, development: false }

test('finds an issuer by its thumbprint, within its window', async () => {
  const issuer = await makeIssuer()
  const window = { notBefore: NOW, notAfter: NOW + 1000 }
  const list = createTrustListFromPem([{ ...entry(issuer), ...window }], PRODUCTION)
  expect(list.find(x5tS256Of(issuer), 'gateway')).toMatchObject({
    notBeforeMs: NOW,
    notAfterMs: NOW + 1000,
  })
  expect(list.find(x5tS256Of(issuer), 'host')).toBeUndefined()
})

test('leaves out what has expired and keeps the rest', async () => {
  const issuer = await makeIssuer()
  const later = { nowMs: NOW + 3 * DAY_MS, development: false }
  expect(createTrustListFromPem([entry(issuer)], later).issuers).toEqual([])
})

test('refuses a certificate under the thumbprint of another', async () => {
  const [issuer, other] = [await makeIssuer(), await makeIssuer()]
  const swapped = { ...entry(issuer), certificatePem: other.pem }
  expect(() => createTrustListFromPem([swapped], PRODUCTION)).toThrow('its certificate has')
})

test('refuses development certificates where none may be', async () => {
  const issuer = await makeIssuer('Portcullis development')
  expect(() => createTrustListFromPem([entry(issuer)], PRODUCTION)).toThrow('development')
  const list = createTrustListFromPem([entry(issuer)], { nowMs: NOW, development: true })
  expect(list.issuers).toHaveLength(1)
})

test('refuses text that is no certificate', () => {
  const broken = {
    certificatePem: 'x',
    sha256Thumbprint: 'A'.repeat(64),
    purpose: 'gateway' as const,
  }
  expect(() => createTrustListFromPem([broken], PRODUCTION)).toThrow('no BEGIN CERTIFICATE')
})
