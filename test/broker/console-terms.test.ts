import { expect, test } from 'vitest'
import { termsOf, type WantedTerms } from '../../src/broker/console-terms.ts'
import { BUILT_IN_POLICY, effectivePolicy, type PolicyBody } from '../../src/policy/index.ts'

const terms = (body: PolicyBody, wanted: WantedTerms = {}) =>
  termsOf(effectivePolicy(BUILT_IN_POLICY, [{ source: 'provider', ...body }]), wanted)

test('without policy and wishes a native token for a minute, without limits and redirections', () => {
  expect(terms({})).toEqual({
    tokenFormat: 'native',
    lifetimeSeconds: 60,
    minLifetimeSeconds: 5,
    limits: { rdr: 0x4000_0000 },
  })
})

test('each limit becomes a claim, and 0 becomes none', () => {
  const limits = { idleLimitMinutes: 15, sessionLimitSeconds: 3600, reconnectWindowSeconds: 60 }
  const redirect = ['clipboard' as const]
  expect(terms({ default: { ...limits, redirect } }).limits).toEqual({
    idl: 15,
    max: 3600,
    rcw: 60,
    rdr: 0x17,
  })
  const none = { idleLimitMinutes: 0, sessionLimitSeconds: 0, reconnectWindowSeconds: 0 }
  expect(terms({ enforce: none }).limits).toEqual({ rdr: 0x4000_0000 })
})

test.each<[string, PolicyBody, WantedTerms, number]>([
  ['what is asked for', {}, { ttlSeconds: 300 }, 300],
  ['the usual', { default: { ttlSeconds: 90 } }, {}, 90],
  ['what is asked for before the usual', { default: { ttlSeconds: 90 } }, { ttlSeconds: 20 }, 20],
  ['an enforced one', { enforce: { ttlSeconds: 90 } }, { ttlSeconds: 90 }, 90],
  ['the preferred', {}, { preferredTtlSeconds: 120 }, 120],
  ['no more than allowed', { enforce: { ttlMaxSeconds: 30 } }, { preferredTtlSeconds: 120 }, 30],
  ['no less than usual', { default: { ttlSeconds: 300 } }, { preferredTtlSeconds: 120 }, 300],
  ['what is enforced', { enforce: { ttlSeconds: 45 } }, { preferredTtlSeconds: 120 }, 45],
  ['no less than allowed', { default: { ttlMinSeconds: 200 } }, { preferredTtlSeconds: 120 }, 200],
])('a token lives %s', (_, body, wanted, seconds) => {
  expect(terms(body, wanted).lifetimeSeconds).toBe(seconds)
})

test.each<[PolicyBody, WantedTerms, string]>([
  [{ enforce: { ttlMaxSeconds: 60 } }, { ttlSeconds: 61 }, 'need 5 to 60 seconds, have 61'],
  [{ default: { ttlMinSeconds: 30 } }, { ttlSeconds: 29 }, 'need 30 to 3600 seconds, have 29'],
  [{ enforce: { ttlSeconds: 60 } }, { ttlSeconds: 59 }, 'need 60, enforced by provider, have 59'],
  [
    { enforce: { tokenFormat: 'native' } },
    { tokenFormat: 'fedauth' },
    'need native, enforced by provider, have fedauth',
  ],
  [
    { default: { idleLimitMinutes: 15 } },
    { tokenFormat: 'fedauth' },
    'a FedAuth token cannot keep idleLimitMinutes, 15 by provider',
  ],
  [
    { default: { tokenFormat: 'fedauth', sessionLimitSeconds: 60 } },
    {},
    'a FedAuth token cannot keep sessionLimitSeconds, 60 by provider',
  ],
])('refuses what policy %j does not allow', (body, wanted, message) => {
  const [field] = Object.keys(wanted).concat('tokenFormat')
  expect(() => terms(body, wanted)).toThrow(
    expect.objectContaining({ problem: 'policy-denied', errors: [{ field, message }] }),
  )
})
