import 'reflect-metadata'
import { webcrypto, X509Certificate } from 'node:crypto'
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import {
  createDevelopmentCertificates,
  type DevelopmentCertificates,
  readCertificate,
} from '../../src/certs/index.ts'
import { BrokerError } from '../../src/lib/index.ts'

const now = new Date('2026-11-21T12:00:00Z')
let certificates: DevelopmentCertificates

beforeAll(async () => {
  certificates = await createDevelopmentCertificates({
    farmName: 'demo',
    names: ['localhost'],
    gateways: [],
    now,
  })
})

test('takes thumbprints over the DER in upper-case hex, from PEM and DER alike', () => {
  const fromPem = readCertificate(certificates.issuer.certificatePem)
  const fromDer = readCertificate(fromPem.der)
  expect(fromPem.sha1Thumbprint).toMatch(/^[0-9A-F]{40}$/)
  expect(fromPem.sha256Thumbprint).toMatch(/^[0-9A-F]{64}$/)
  expect(fromDer.sha256Thumbprint).toBe(fromPem.sha256Thumbprint)
  expect(fromDer.subject).toBe('CN=demo token issuer, O=Portcullis development')
  expect(fromDer.issuer).toBe('CN=demo authority, O=Portcullis development')
})

test.each([
  ['notBefore', 0],
  ['notAfter', 1],
])('refuses a certificate whose %s is no time', (field, index) => {
  const der = Buffer.from(readCertificate(certificates.issuer.certificatePem).der)
  const utcTime = Buffer.from([0x17, 13])
  const first = der.indexOf(utcTime)
  const at = index === 0 ? first : der.indexOf(utcTime, first + 1)
  der.write('-1113000000', at + utcTime.length)
  expect(() => readCertificate(der, 'issuer')).toThrow(`issuer: ${field}: is no time`)
})

test('reads the leaf of a chain', () => {
  const chain = certificates.portalTls.certificatePem + certificates.authority.certificatePem
  expect(readCertificate(chain).subject).toContain('demo portal')
})

test('reads a certificate without a subject', async () => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, false, ['sign', 'verify'])
  const nameless = await X509CertificateGenerator.createSelfSigned({
    ...{ keys, name: '', signingAlgorithm: algorithm },
    extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: 'gw.example' }])],
  })
  expect(readCertificate(nameless.toString('pem'))).toMatchObject({
    ...{ subject: '', issuer: '', dnsNames: ['gw.example'], development: false },
  })
})

test('reads a PEM with carriage returns and text around it', () => {
  const pem = `subject=whatever\r\n${certificates.issuer.certificatePem.replaceAll('\n', '\r\n')}`
  expect(new X509Certificate(readCertificate(pem).der).subject).toContain('demo token issuer')
})

test('names the certificate and what is wrong with it', () => {
  const { certificatePem, privateKeyPem } = certificates.issuer
  const cases: Array<[string | Uint8Array, string]> = [
    ['', 'issuer certificate: no BEGIN CERTIFICATE line'],
    [privateKeyPem, 'issuer certificate: holds PRIVATE KEY, need CERTIFICATE'],
    [certificatePem.slice(0, 200), 'issuer certificate: cut off: no END CERTIFICATE line'],
    [
      certificatePem.slice(0, 200) + certificatePem.slice(300),
      'issuer certificate: not readable: ',
    ],
    [new Uint8Array(), 'issuer certificate: not readable: '],
  ]
  for (const [input, message] of cases) {
    expect(() => readCertificate(input, 'issuer certificate')).toThrow(message)
  }
})

test('damaged DER gives a certificate or ERR_CERTIFICATE, nothing else', () => {
  const { der } = readCertificate(certificates.issuer.certificatePem)
  fc.assert(
    fc.property(fc.nat(der.length - 1), fc.integer({ min: 0, max: 255 }), (offset, value) => {
      const damaged = Uint8Array.from(der)
      damaged[offset] = value
      try {
        readCertificate(damaged)
      } catch (error) {
        expect(error).toBeInstanceOf(BrokerError)
      }
    }),
    { numRuns: 500 },
  )
})
