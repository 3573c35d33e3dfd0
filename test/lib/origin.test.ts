import { expect, test } from 'vitest'
import { assertOwnOrigin } from '../../src/lib/index.ts'

const HOST = 'Portal.example.net:8443'
const OWN = 'https://portal.example.net:8443'

function check(fields: Record<string, string>): void {
  const all: Record<string, string> = { host: HOST, ...fields }
  assertOwnOrigin((name) => all[name] ?? '')
}

test.each([
  [{ origin: OWN }],
  [{ 'sec-fetch-site': 'same-origin' }],
  [{ origin: OWN, 'sec-fetch-site': 'same-origin' }],
])('takes a request of a page of ours: %j', (fields) => {
  expect(() => check(fields)).not.toThrow()
})

test.each([
  [{}],
  [{ origin: 'null' }],
  [{ origin: 'https://evil.example' }],
  [{ origin: 'https://portal.example.net' }],
  [{ origin: OWN.replace('https', 'http') }],
  [{ origin: `${OWN}/` }],
  [{ origin: OWN, 'sec-fetch-site': 'same-site' }],
  [{ 'sec-fetch-site': 'cross-site' }],
  [{ 'sec-fetch-site': 'none' }],
  [{ origin: `https://${'x'.repeat(5_000)}` }],
])('refuses every other one: %j', (fields) => {
  expect(() => check(fields)).toThrow(expect.objectContaining({ reason: 'origin-refused' }))
})

test('shows no more than a line of what it was sent', () => {
  expect(() => check({ origin: 'x'.repeat(5_000) })).toThrow(/^origin: need .{1,60}, have x{200}…$/)
})
