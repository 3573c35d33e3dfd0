import { beforeAll, expect, test } from 'vitest'
import {
  createAuthority,
  findIssuer,
  issueCertificate,
  type KeyPair,
  orderChain,
  readCertificate,
  readCertificates,
} from '../../src/certs/index.ts'

const common = { organization: 'Example', notBefore: new Date('2026-11-21T12:00:00Z'), days: 10 }
let authority: KeyPair
let leaf: KeyPair

beforeAll(async () => {
  authority = await createAuthority({ ...common, commonName: 'Root' })
  leaf = await issueCertificate({ ...common, authority, role: 'tls', commonName: 'Leaf' })
})

test('reads every certificate of a PEM file, in its order, and one of a DER file', () => {
  const text = `# note\n${leaf.certificatePem}text\n${authority.certificatePem}`
  const both = readCertificates(Buffer.from(text))
  expect(both.map(({ subject }) => subject)).toEqual(['CN=Leaf, O=Example', 'CN=Root, O=Example'])
  const { der, subject } = readCertificate(leaf.certificatePem)
  expect(readCertificates(der).map((certificate) => certificate.subject)).toEqual([subject])
})

test('says which certificate is broken', () => {
  const read = (text: string) => () => readCertificates(Buffer.from(text), 'tls.crt')
  expect(read('')).toThrow('tls.crt: not readable')
  expect(read(leaf.privateKeyPem)).toThrow('tls.crt: holds PRIVATE KEY, need CERTIFICATE')
  expect(read(leaf.certificatePem + authority.certificatePem.slice(0, 100))).toThrow(
    'tls.crt (number 2): cut off',
  )
  expect(read(leaf.certificatePem.repeat(21))).toThrow('tls.crt: more than 20 certificates')
})

test('finds an issuer by name and signature', async () => {
  const namesake = await createAuthority({ ...common, commonName: 'Root' })
  const [certificate, root, other] = [leaf, authority, namesake].map(({ certificatePem }) =>
    readCertificate(certificatePem),
  )
  if (!certificate || !root || !other) throw new Error('unreachable')
  expect(findIssuer(certificate, [other, root])).toBe(root)
  expect(findIssuer(certificate, [other])).toBeUndefined()
  expect(orderChain(certificate, [other, root])).toEqual([certificate])
})
