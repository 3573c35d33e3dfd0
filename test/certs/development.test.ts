import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  checkPair,
  controlIdentityOf,
  createDevelopmentCertificates,
  readCertificate,
} from '../../src/certs/index.ts'

test('makes a set for one farm, marked as development, valid from five minutes ago', async () => {
  const set = await createDevelopmentCertificates({
    farmName: 'demo',
    names: ['localhost', '127.0.0.1', '::1'],
    gateways: ['gw1', 'gw2'],
    now: new Date('2026-11-21T12:00:00.537Z'),
  })
  expect(Object.keys(set.gatewayTls)).toEqual(['gw1', 'gw2'])
  const { authority, issuer, publisher, portalTls, controlAuthority } = set
  const all = [authority, issuer, publisher, portalTls, controlAuthority]
  all.push(...Object.values(set.gatewayTls))
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

test('gives each process its own control certificate, for 30 days, from another authority', async () => {
  const set = await createDevelopmentCertificates({
    farmName: 'demo',
    names: ['localhost', '127.0.0.1'],
    gateways: ['gw1', 'gw2'],
    now: new Date('2026-11-21T12:00:00Z'),
  })
  const control = new X509Certificate(set.controlAuthority.certificatePem)
  const ends = { broker: set.brokerControl, ...set.gatewayControl }
  expect(Object.keys(ends)).toEqual(['broker', 'gw1', 'gw2'])
  for (const [name, pair] of Object.entries(ends)) {
    const certificate = readCertificate(pair.certificatePem)
    expect(controlIdentityOf(certificate)).toEqual({
      role: name === 'broker' ? name : 'node',
      name,
    })
    expect(certificate.notAfter.toISOString()).toBe('2026-12-21T11:55:00.000Z')
    expect(certificate.dnsNames).toEqual(['localhost', name])
    expect(new X509Certificate(pair.certificatePem).verify(control.publicKey)).toBe(true)
  }
})

test('makes an RSA publisher', async () => {
  const { publisher } = await createDevelopmentCertificates({
    farmName: 'demo',
    names: [],
    gateways: [],
    now: new Date('2026-11-21T12:00:00Z'),
  })
  expect(checkPair(publisher).privateKey.asymmetricKeyDetails?.modulusLength).toBe(2048)
})
