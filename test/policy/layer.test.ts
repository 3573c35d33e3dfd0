import { expect, test } from 'vitest'
import { policyBody } from '../../src/policy/index.ts'

const issueOf = (body: unknown) => {
  const [issue] = policyBody.safeParse(body).error?.issues ?? []
  return issue && `${issue.path.join('.')}: ${issue.message}`
}

test('takes nothing, defaults, enforced values, and both of different settings', () => {
  const bodies = [
    {},
    { default: { redirect: [] } },
    { enforce: { consentText: 'Be good.' } },
    { default: { ttlSeconds: 60 }, enforce: { ttlMaxSeconds: 60, ttlMinSeconds: 60 } },
  ]
  for (const body of bodies) expect(policyBody.parse(body)).toEqual(body)
})

test('refuses what nobody would keep', () => {
  expect(issueOf({ enforce: { allowConsoles: false } })).toMatch(/^enforce: Unrecognized key/)
  expect(issueOf({ enforced: {} })).toMatch(/Unrecognized key/)
  expect(issueOf({ default: { maxSessions: 1 }, enforce: { maxSessions: 2 } })).toBe(
    'default.maxSessions: is enforced as well',
  )
})

test('refuses lifetimes that contradict each other, naming both values', () => {
  expect(issueOf({ default: { ttlMinSeconds: 60, ttlMaxSeconds: 30 } })).toBe(
    'default.ttlMaxSeconds: need at least ttlMinSeconds, 60, have 30',
  )
  expect(issueOf({ default: { ttlSeconds: 61 }, enforce: { ttlMaxSeconds: 60 } })).toBe(
    'enforce.ttlMaxSeconds: need at least ttlSeconds, 61, have 60',
  )
  expect(issueOf({ default: { ttlSeconds: 9 }, enforce: { ttlMinSeconds: 10 } })).toBe(
    'default.ttlSeconds: need at least ttlMinSeconds, 10, have 9',
  )
})
