import { expect, test } from 'vitest'
import { createDevelopmentCertificates, readCertificate } from '../../src/certs/index.ts'
import type { TrustSet } from '../../src/control/index.ts'
import { parseRemembered, renderRemembered } from '../../src/control/remembered.ts'
import { FixedTrust, LiveTrust } from '../../src/control/verifier-trust.ts'
import { createTrustList, type Revocation } from '../../src/tokens/index.ts'

const START = Date.UTC(2026, 10, 21)
const MAX_AGE_MS = 1000

async function makeIssuers(): Promise<TrustSet['issuers']> {
  const { issuer } = await createDevelopmentCertificates({
    farmName: 'demo',
    names: [],
    gateways: [],
    now: new Date(START),
  })
  const { pem, sha256Thumbprint } = readCertificate(issuer.certificatePem)
  return [{ certificatePem: pem, sha256Thumbprint, purpose: 'gateway' }]
}

const issuers = await makeIssuers()

function setUp(development = true) {
  const clock = { ms: START, now: () => clock.ms }
  return { clock, trust: new LiveTrust({ clock, maxAgeMs: MAX_AGE_MS, development }) }
}

const set = (version: number, of = issuers): TrustSet => ({ version, asOf: 0, issuers: of })

function revoke(id: string, until = START + MAX_AGE_MS): Revocation {
  return { id, kind: 'vm', value: id, at: START, until, endSessions: false }
}

test('nobody is admitted before there is a set', () => {
  const { trust } = setUp()
  expect(trust.refusal?.reason).toBe('trust-stale')
  expect(trust.versions).toEqual({ trust: 0, revocations: 0 })
})

test('a set is replaced as a whole by a newer one', () => {
  const { trust } = setUp()
  trust.applyTrust(set(3))
  expect(trust.refusal).toBeUndefined()
  expect(trust.list.issuers).toHaveLength(1)
  trust.applyTrust(set(4, []))
  expect(trust.list.issuers).toEqual([])
  expect(trust.refusal?.message).toContain('version 4 has no issuer')
})

test('the version never goes down', () => {
  const { trust } = setUp()
  trust.applyTrust(set(3))
  expect(() => trust.applyTrust(set(2, []))).toThrow('version 2 after 3')
  expect(trust.list.issuers).toHaveLength(1)
})

test('a set that cannot be used leaves everything as it was', () => {
  const { trust } = setUp()
  trust.applyTrust(set(1))
  const broken = issuers.map((issuer) => ({ ...issuer, certificatePem: 'x' }))
  expect(() => trust.applyTrust(set(2, broken))).toThrow('no BEGIN CERTIFICATE')
  expect(trust.versions.trust).toBe(1)
  expect(trust.refusal).toBeUndefined()
})

test('development certificates are taken only where they may be', () => {
  const { trust } = setUp(false)
  expect(() => trust.applyTrust(set(1))).toThrow('development certificate')
})

test('trust grows stale without a broker that confirms both versions', () => {
  const { clock, trust } = setUp()
  trust.applyTrust(set(3))
  clock.ms += MAX_AGE_MS
  expect(trust.refusal).toBeUndefined()
  expect(trust.confirm({ trust: 3, revocations: 0 })).toBe(true)
  clock.ms += MAX_AGE_MS
  expect(trust.confirm({ trust: 4, revocations: 0 })).toBe(false)
  expect(trust.confirm({ trust: 3, revocations: 1 })).toBe(false)
  clock.ms += 1
  expect(trust.refusal?.reason).toBe('trust-stale')
  trust.applyTrust(set(3))
  expect(trust.refusal).toBeUndefined()
})

test('revocations come whole, then one by one, each new one once', () => {
  const { trust } = setUp()
  const [a, b, c] = ['a', 'b', 'c'].map((id) => revoke(id))
  if (a === undefined || b === undefined || c === undefined) throw new TypeError()
  expect(trust.applyRevocations({ version: 5, items: [a, b] })).toEqual([a, b])
  expect(trust.applyRevocations({ version: 6, after: 5, items: [c] })).toEqual([c])
  expect(trust.applyRevocations({ version: 6, after: 5, items: [c] })).toEqual([])
  expect(trust.revocations.size).toBe(3)
  expect(trust.applyRevocations({ version: 7, items: [c] })).toEqual([])
  expect(trust.revocations.size).toBe(1)
})

test('revocations that build on what is not there are refused', () => {
  const { trust } = setUp()
  trust.applyRevocations({ version: 5, items: [] })
  const gap = { version: 8, after: 7, items: [revoke('a')] }
  expect(() => trust.applyRevocations(gap)).toThrow('builds on 7, have 5')
})

test('an older set adds what it has and takes nothing away', () => {
  const { trust } = setUp()
  trust.applyRevocations({ version: 9, items: [revoke('a')] })
  trust.applyRevocations({ version: 2, items: [revoke('b')] })
  expect(trust.versions.revocations).toBe(9)
  expect(trust.revocations.size).toBe(2)
})

test('what no token can be hit by any more is forgotten', () => {
  const { clock, trust } = setUp()
  trust.applyRevocations({ version: 1, items: [revoke('a')] })
  clock.ms += MAX_AGE_MS + 1
  trust.applyRevocations({ version: 2, after: 1, items: [revoke('b', clock.ms)] })
  expect(trust.revocations.size).toBe(1)
})

test('a restarted node goes on with what it remembers, as old as that is', () => {
  const { trust } = setUp()
  trust.applyTrust(set(3))
  trust.applyRevocations({ version: 2, items: [revoke('a')] })
  if (trust.remembered === undefined) throw new TypeError()
  const text = renderRemembered(trust.remembered)

  const next = setUp()
  next.clock.ms += MAX_AGE_MS
  next.trust.restore(parseRemembered(text))
  expect(next.trust.versions).toEqual({ trust: 3, revocations: 2 })
  expect(next.trust.revocations.size).toBe(1)
  expect(next.trust.refusal).toBeUndefined()
  expect(() => next.trust.applyTrust(set(2))).toThrow('version 2 after 3')
  next.clock.ms += 1
  expect(next.trust.refusal?.reason).toBe('trust-stale')
})

test.each(['', '{', '{}', '{"trust":{"version":1}}'])('%j is no state file', (text) => {
  expect(() => parseRemembered(text)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }))
})

test('a fixed list never grows stale, and an empty one admits nobody', () => {
  expect(new FixedTrust(createTrustList([], START)).refusal?.reason).toBe('trust-stale')
})
