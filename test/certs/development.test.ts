import { expect, test } from 'vitest'
import { createDevelopmentCertificates, readCertificate } from '../../src/certs/index.ts'

test('makes a set for one farm, marked as development, valid from five minutes ago', async () => {
  const set = await createDevelopmentCertificates({
    farmName: 'demo',
    names: ['localhost', '127.0.0.1', '::1'],
    gateways: ['gw1', 'gw2'],
    now: new Date('2026-11-21T12:00:00.537Z'),
  })
  expect(Object.keys(set.gatewayTls)).toEqual(['gw1', 'gw2'])
  const all = [set.authority, set.issuer, set.portalTls, ...Object.values(set.gatewayTls)]
  for (const pair of all) {
    const certificate = readCertificate(pair.certificatePem)
    expect(certificate.development).toBe(true)
    expect(certificate.notBefore.toISOString()).toBe('2026-11-21T11:55:00.000Z')
    expect(certificate.notAfter.toISOString()).toBe('2027-01-20T11:55:00.000Z')
    expect(pair.privateKeyPem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
  }
  const second = readCertificate(set.gatewayTls.gw2?.certificatePem ?? '')
  expect(second.dnsNames).toEqual(['localhost', 'gw2'])
  expect(readCertificate(set.issuer.certificatePem).digitalSignature).toBe(true)
})
