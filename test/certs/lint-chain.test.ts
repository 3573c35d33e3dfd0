import { beforeAll, expect, test } from 'vitest'
import {
  type Certificate,
  createAuthority,
  issueCertificate,
  readCertificate,
} from '../../src/certs/index.ts'
import { lintChain } from '../../src/certs/lint-chain.ts'

const now = new Date('2026-11-21T12:00:00Z')
const common = { organization: 'Example', notBefore: now, days: 10 }
let root: Certificate
let namesake: Certificate
let leaf: Certificate

beforeAll(async () => {
  const authority = await createAuthority({ ...common, commonName: 'Root' })
  root = readCertificate(authority.certificatePem)
  namesake = readCertificate(
    (await createAuthority({ ...common, commonName: 'Root' })).certificatePem,
  )
  const pair = await issueCertificate({ ...common, authority, role: 'tls', commonName: 'Leaf' })
  leaf = readCertificate(pair.certificatePem)
})

const check = (chain: Certificate[], authorities?: Certificate[], at = now): string[] =>
  lintChain(chain, { now: at, ...(authorities === undefined ? {} : { authorities }) }).map(
    ({ severity, code, message }) => `${severity} ${code}: ${message}`,
  )

test('is content when the chain ends at a named authority', () => {
  expect(check([leaf], [root])).toEqual([])
  expect(check([leaf, root], [namesake, root])).toEqual([])
  expect(check([root], [root])).toEqual([])
})

test('takes no root only because it is in the file', () => {
  expect(check([leaf, root], [])).toEqual([expect.stringContaining('error chain-incomplete')])
})

test('says what is missing', () => {
  expect(check([leaf])).toEqual([expect.stringContaining('warning chain-unchecked')])
  expect(check([root])).toEqual([expect.stringContaining('warning self-signed')])
  expect(check([leaf], [])).toEqual([expect.stringContaining('is not among those of --ca')])
  expect(check([leaf], [namesake])).toEqual([
    expect.stringContaining('the signature is not by the key of CN=Root, O=Example'),
  ])
})

test('wants authorities that are valid and may sign', () => {
  const later = new Date('2027-11-21T12:00:00Z')
  expect(check([leaf], [root], later)).toEqual([expect.stringContaining('expired on 2026-12-01')])
  expect(check([leaf], [{ ...root, authority: false }])).toEqual([
    expect.stringContaining('may not sign certificates'),
  ])
})
