import { beforeAll, expect, test } from 'vitest'
import {
  type ControlIdentity,
  controlIdentityOf,
  createAuthority,
  issueCertificate,
  type KeyPair,
  readCertificate,
} from '../../src/certs/index.ts'

const common = { organization: 'Example', notBefore: new Date('2026-11-21T12:00:00Z'), days: 10 }
let authority: KeyPair

beforeAll(async () => {
  authority = await createAuthority({ ...common, commonName: 'Control root' })
})

const issueControl = (identity: ControlIdentity): Promise<KeyPair> =>
  issueCertificate({
    ...common,
    authority,
    role: 'control',
    identity,
    commonName: 'Control',
    names: ['broker.example', '127.0.0.1'],
  })

test('a control certificate names its peer, for both ends of TLS', async () => {
  for (const identity of [
    { role: 'node', name: 'gw1' },
    { role: 'broker', name: 'Broker-1.example' },
    { role: 'agent', name: '7' },
  ] as const) {
    const certificate = readCertificate((await issueControl(identity)).certificatePem)
    expect(controlIdentityOf(certificate)).toEqual(identity)
    expect(certificate.extendedUsages).toEqual(['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1'])
    expect(certificate.dnsNames).toEqual(['broker.example'])
    expect(certificate.ipAddresses).toEqual(['127.0.0.1'])
  }
})

test('refuses names that would read as something else', async () => {
  for (const name of ['', 'a:b', 'a b', '-a', 'a/b', 'x'.repeat(64)]) {
    await expect(issueControl({ role: 'node', name }), name).rejects.toThrow('name: need 1 to 63')
  }
})

test('finds no identity where there is none, several, or a malformed one', async () => {
  const certificate = readCertificate(
    (await issueControl({ role: 'node', name: 'gw1' })).certificatePem,
  )
  for (const uris of [
    [],
    ['https://example'],
    ['urn:portcullis:control:node:gw1', 'urn:portcullis:control:broker:b'],
    ['urn:portcullis:control:node:'],
    ['urn:portcullis:control:node'],
    ['urn:portcullis:control:operator:x'],
    ['urn:portcullis:control:node:a:b'],
    ['urn:portcullis:control:node:a\nb'],
    ['URN:PORTCULLIS:CONTROL:node:gw1'],
  ]) {
    expect(controlIdentityOf({ ...certificate, uris }), String(uris)).toBeUndefined()
  }
})
