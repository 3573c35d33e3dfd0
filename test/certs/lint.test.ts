import { generateKeyPairSync } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import {
  type Certificate,
  createAuthority,
  type FindingCode,
  issueCertificate,
  type KeyPair,
  type LintOptions,
  lintCertificate,
  readCertificate,
} from '../../src/certs/index.ts'

const now = new Date('2026-11-21T12:00:00Z')
const common = { organization: 'Example', notBefore: now, days: 365 }
const names = ['gateway.example', 'gw1.example', '192.0.2.1']
let authority: KeyPair
let root: Certificate
const leaves: Record<string, Certificate> = {}

beforeAll(async () => {
  authority = await createAuthority({ ...common, commonName: 'Root', days: 2000 })
  root = readCertificate(authority.certificatePem)
  const made = {
    issuer: await issueCertificate({ ...common, authority, role: 'issuer', commonName: 'Issuer' }),
    rsaIssuer: await issueCertificate({
      ...common,
      authority,
      role: 'issuer',
      commonName: 'RSA issuer',
      key: 'rsa-2048',
    }),
    publisher: await issueCertificate({
      ...common,
      authority,
      role: 'publisher',
      commonName: 'Publisher',
      key: 'rsa-2048',
    }),
    tls: await issueCertificate({ ...common, authority, role: 'tls', commonName: 'TLS', names }),
    node: await issueCertificate({
      ...common,
      authority,
      role: 'control',
      identity: { role: 'node', name: 'gw1' },
      commonName: 'gw1',
      names,
    }),
  }
  for (const [name, pair] of Object.entries(made))
    leaves[name] = readCertificate(pair.certificatePem)
})

function leaf(name: string): Certificate {
  const found = leaves[name]
  if (found === undefined) throw new Error(`no leaf ${name}`)
  return found
}

function codes(certificate: Certificate, options: Partial<LintOptions> = {}): FindingCode[] {
  return lintCertificate([certificate], {
    role: 'tls',
    names: [],
    microsoft: false,
    authorities: [root],
    now,
    ...options,
  }).map(({ code }) => code)
}

test('finds nothing wrong with what this product makes', () => {
  expect(codes(leaf('issuer'), { role: 'issuer' })).toEqual([])
  expect(codes(leaf('rsaIssuer'), { role: 'issuer', microsoft: true })).toEqual([])
  expect(codes(leaf('publisher'), { role: 'publisher' })).toEqual([])
  expect(codes(leaf('tls'), { names })).toEqual([])
  expect(codes(leaf('node'), { role: 'node', names })).toEqual([])
  expect(codes(root, { role: 'ca' })).toEqual([])
})

test('asks each role for its own usages', () => {
  expect(codes(leaf('issuer'), { names: [] })).toEqual(['usage-missing', 'name-missing'])
  expect(codes(leaf('tls'), { role: 'issuer' })).toEqual([])
  expect(codes(leaf('tls'), { role: 'issuer', microsoft: true })).toEqual([
    'key-unusable',
    'usage-missing',
  ])
  expect(codes(leaf('tls'), { role: 'publisher' })).toEqual(['key-unusable', 'usage-missing'])
  expect(codes({ ...leaf('issuer'), digitalSignature: false }, { role: 'issuer' })).toEqual([
    'usage-missing',
  ])
  expect(codes(root, { role: 'issuer' })).toEqual([
    'is-authority',
    'usage-missing',
    'validity-long',
  ])
  expect(codes(leaf('tls'), { role: 'ca' })).toEqual(['is-no-authority'])
})

test('wants every name that clients dial', () => {
  expect(codes(leaf('tls'), { names: ['GATEWAY.example', 'gw2.example', 'gw3.example'] })).toEqual([
    'name-missing',
    'name-missing',
  ])
  const wildcard = { ...leaf('tls'), dnsNames: ['*.example'], ipAddresses: [] }
  expect(codes(wildcard, { names: ['gw9.example'] })).toEqual([])
  expect(codes(wildcard, { names: ['a.gw9.example', 'example'] })).toHaveLength(2)
})

test('wants the identity of the role in a control certificate', () => {
  expect(codes(leaf('node'), { role: 'broker' })).toEqual(['identity-missing'])
  expect(codes({ ...leaf('node'), uris: [] }, { role: 'node' })).toEqual(['identity-missing'])
})

test('names weak and unusable keys and hashes', () => {
  const rsa = (modulusLength: number): Certificate => ({
    ...leaf('tls'),
    publicKey: generateKeyPairSync('rsa', { modulusLength }).publicKey,
  })
  expect(codes(rsa(1024))).toEqual(['key-weak'])
  expect(codes(rsa(2560))).toEqual([])
  const { publicKey } = generateKeyPairSync('ed25519')
  expect(codes({ ...leaf('tls'), publicKey })).toEqual(['key-unusable'])
  expect(codes({ ...leaf('tls'), signatureHash: 'SHA-1' })).toEqual(['hash-weak'])
})

test('looks at the times', () => {
  const after = (days: number): Date => new Date(now.getTime() + days * 24 * 60 * 60 * 1000)
  const found = (days: number) =>
    lintCertificate([leaf('tls')], {
      role: 'tls',
      names: [],
      microsoft: false,
      authorities: [root],
      now: after(days),
    }).map(({ code, severity }) => `${severity} ${code}`)
  expect(found(-1)).toEqual(['error not-yet-valid', 'error chain-incomplete'])
  expect(found(300)).toEqual([])
  expect(found(310)).toEqual(['warning expires-soon'])
  expect(found(359)).toEqual(['error expires-soon'])
  expect(found(365)).toEqual(['error expired'])
  expect(codes({ ...leaf('tls'), notAfter: after(732) })).toEqual(['validity-long'])
})

test('marks development certificates', () => {
  expect(codes({ ...leaf('tls'), development: true })).toEqual(['development'])
})

test('gives one message and one fix for each finding', () => {
  for (const role of ['issuer', 'publisher', 'tls', 'node', 'ca'] as const) {
    const findings = lintCertificate([leaf('tls')], { role, names, microsoft: true, now })
    for (const { message, fix } of findings) {
      expect(message.length).toBeGreaterThan(10)
      expect(fix.length).toBeGreaterThan(5)
    }
  }
})
