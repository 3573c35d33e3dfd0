import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  BUILT_IN_POLICY,
  effectivePolicy,
  POLICY_NAMES,
  type PolicyLayer,
  valuesOf,
} from '../../src/policy/index.ts'

const effective = (...layers: PolicyLayer[]) => effectivePolicy(BUILT_IN_POLICY, layers)

test('without layers everything is built in, and nothing locked', () => {
  const policy = effective()
  expect(valuesOf(policy)).toEqual(BUILT_IN_POLICY)
  for (const name of POLICY_NAMES) {
    expect(policy[name]).toMatchObject({ source: 'built-in', locked: false })
  }
})

test('of defaults the innermost wins, setting by setting', () => {
  const policy = effective(
    { source: 'provider', default: { maxSessions: 3, idleLimitMinutes: 30 } },
    { source: 'tenant:acme', default: { maxSessions: 2 } },
    { source: 'vm:web', default: { maxSessions: 0 } },
  )
  expect(policy.maxSessions).toEqual({ value: 0, source: 'vm:web', locked: false })
  expect(policy.idleLimitMinutes).toEqual({ value: 30, source: 'provider', locked: false })
})

test('of enforced values the outermost wins, over every default', () => {
  const policy = effective(
    { source: 'provider', default: { redirect: ['drives'] } },
    { source: 'tenant:acme', enforce: { redirect: [], allowConsole: false } },
    { source: 'vm:web', default: { redirect: ['drives'] }, enforce: { allowConsole: true } },
  )
  expect(policy.redirect).toEqual({ value: [], source: 'tenant:acme', locked: true })
  expect(policy.allowConsole).toEqual({ value: false, source: 'tenant:acme', locked: true })
})

test('a value that turns something off is a value', () => {
  const policy = effective(
    { source: 'provider', default: { consentText: 'Be good.', allowBrowser: true } },
    { source: 'vm:web', default: { consentText: '', allowBrowser: false } },
  )
  expect(policy.consentText).toEqual({ value: '', source: 'vm:web', locked: false })
  expect(policy.allowBrowser).toEqual({ value: false, source: 'vm:web', locked: false })
})

test('a longest life cuts the others down, and says that it did', () => {
  const policy = effective(
    { source: 'provider', enforce: { ttlMaxSeconds: 30 } },
    { source: 'vm:web', default: { ttlMinSeconds: 40, ttlSeconds: 90 } },
  )
  const cut = { value: 30, source: 'provider', locked: false }
  expect(policy).toMatchObject({ ttlMinSeconds: cut, ttlSeconds: cut })
  expect(policy.ttlMaxSeconds).toEqual({ value: 30, source: 'provider', locked: true })
})

test('an enforced life stays where the bounds around it are not enforced', () => {
  const policy = effective(
    { source: 'provider', enforce: { ttlSeconds: 90 } },
    { source: 'tenant:acme', default: { ttlMaxSeconds: 60 } },
  )
  const kept = { value: 90, source: 'provider', locked: true }
  expect(policy.ttlSeconds).toEqual(kept)
  expect(policy.ttlMaxSeconds).toEqual({ ...kept, locked: false })
  expect(policy.ttlMinSeconds).toEqual({ value: 5, source: 'built-in', locked: false })
})

test('whatever the layers say, lifetimes are in order and no enforced maximum is passed', () => {
  const seconds = fc.option(fc.integer({ min: 5, max: 3600 }), { nil: undefined })
  const values = fc.record({ ttlMinSeconds: seconds, ttlSeconds: seconds, ttlMaxSeconds: seconds })
  const layer = (source: PolicyLayer['source']) =>
    fc.record({ source: fc.constant(source), default: values, enforce: values })
  fc.assert(
    fc.property(layer('provider'), layer('tenant:a'), layer('vm:b'), (...layers) => {
      const { ttlMinSeconds: min, ttlSeconds: usual, ttlMaxSeconds: max } = effective(...layers)
      expect(min.value).toBeLessThanOrEqual(usual.value)
      expect(usual.value).toBeLessThanOrEqual(max.value)
      const ceiling = layers.find(({ enforce }) => enforce.ttlMaxSeconds !== undefined)
      if (ceiling !== undefined) expect(max.value).toBe(ceiling.enforce.ttlMaxSeconds)
    }),
  )
})

test.each<[string, PolicyLayer[]]>([
  ['outermost', [{ source: 'provider', unreadable: true }, { source: 'vm:web' }]],
  [
    'innermost, under one that enforces the console',
    [
      { source: 'provider', enforce: { allowConsole: true } },
      { source: 'vm:web', unreadable: true },
    ],
  ],
])(
  'a layer that cannot be read, the %s, allows no console and changes nothing else',
  (_, layers) => {
    const { allowConsole, ...others } = effective(...layers)
    const source = layers.find(({ unreadable }) => unreadable)?.source
    expect(allowConsole).toEqual({ value: false, source, locked: true, unreadable: true })
    const { allowConsole: __, ...untouched } = effective({ source: 'vm:web' })
    expect(others).toEqual(untouched)
  },
)
