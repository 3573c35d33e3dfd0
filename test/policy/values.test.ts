import { expect, test } from 'vitest'
import { BUILT_IN_POLICY, POLICY_NAMES, policyValues } from '../../src/policy/index.ts'

test('has the settings that people script against, each with a value that holds by itself', () => {
  expect(POLICY_NAMES).toEqual([
    'allowConsole',
    'allowBrowser',
    'ttlMinSeconds',
    'ttlMaxSeconds',
    'ttlSeconds',
    'tokenFormat',
    'clientBinding',
    'reconnectWindowSeconds',
    'idleLimitMinutes',
    'sessionLimitSeconds',
    'maxSessions',
    'redirect',
    'consentText',
  ])
  expect(policyValues.parse(BUILT_IN_POLICY)).toEqual(BUILT_IN_POLICY)
})

test.each([
  ['allowConsole', 'yes'],
  ['ttlMinSeconds', 4],
  ['ttlMaxSeconds', 3601],
  ['ttlSeconds', 60.5],
  ['tokenFormat', 'jwt'],
  ['clientBinding', 'cookie'],
  ['reconnectWindowSeconds', 301],
  ['idleLimitMinutes', 1441],
  ['sessionLimitSeconds', 2_592_001],
  ['maxSessions', -1],
  ['maxSessions', 1001],
  ['redirect', ['clipboard', 'clipboard']],
  ['redirect', ['everything']],
  ['consentText', 'a\x1bb'],
  ['consentText', 'x'.repeat(1025)],
])('refuses %s %j', (name, value) => {
  const [issue] = policyValues.safeParse({ ...BUILT_IN_POLICY, [name]: value }).error?.issues ?? []
  expect(issue?.path[0]).toBe(name)
})
