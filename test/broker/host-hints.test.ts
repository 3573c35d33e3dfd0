import { expect, test } from 'vitest'
import { hintFor, issuesOf } from '../../src/broker/host-hints.ts'
import type { ProbeResult } from '../../src/control/index.ts'

const NOW_MS = Date.UTC(2030, 0, 1)
const DAY_MS = 24 * 60 * 60_000
const HOST = { id: 'hv1', kind: 'rdp', address: 'hv1.example', port: 3389 } as const
const RESULT: ProbeResult = {
  ...{ host: 'hv1', address: 'hv1.example', port: 3389, time: NOW_MS, state: 'ready' },
  dialled: '192.0.2.10',
  certificate: {
    ...{ protocol: 'TLSv1.3', subject: 'CN=hv1', sha256Thumbprint: 'A'.repeat(64) },
    ...{ notAfter: NOW_MS + 365 * DAY_MS, namesHost: true },
  },
  names: { reverse: ['hv1.example'], match: true },
}

test('a hint says what to do, and names the values', () => {
  expect(hintFor('ready', HOST)).toBeUndefined()
  expect(hintFor('wrong-port', HOST, { answersOn: 3390 })).toBe(
    "port 3390 answers as it should: set the host's port to 3390",
  )
  expect(hintFor('unreachable', HOST, { reason: 'target-not-allowed' })).toMatch(
    /targets\.allow covers its address and port \d+: add one, and start the node again$/,
  )
  expect(hintFor('unreachable', HOST, { reason: 'host-unreachable' })).toContain('port 3389')
  expect(hintFor('not-rdp', { ...HOST, kind: 'hyperv' })).toContain('2179')
  expect(hintFor('not-opted-in', HOST)).toContain('host enable hv1')
})

test('a host without faults has no issues', () => {
  expect(issuesOf(RESULT, HOST, NOW_MS)).toEqual([])
})

test.each([
  [
    'a certificate for another name',
    { namesHost: false },
    'its certificate (CN=hv1) is not for hv1.example',
  ],
  [
    'one that has ended',
    { notAfter: NOW_MS - 1 },
    'its certificate ended at 2029-12-31T23:59:59.999Z',
  ],
  [
    'one that ends soon',
    { notAfter: NOW_MS + 13 * DAY_MS },
    'its certificate ends at 2030-01-14T00:00:00.000Z',
  ],
])('%s is an issue', (_, change, issue) => {
  const { certificate } = RESULT
  if (certificate === undefined) throw new TypeError('no certificate')
  const result = { ...RESULT, certificate: { ...certificate, ...change } }
  expect(issuesOf(result, HOST, NOW_MS)).toEqual([issue])
})

test('a reverse look-up that says otherwise is an issue', () => {
  const names = { reverse: ['old.example'], match: false }
  expect(issuesOf({ ...RESULT, names }, HOST, NOW_MS)).toEqual([
    'reverse look-up calls 192.0.2.10 old.example, not hv1.example',
  ])
})
