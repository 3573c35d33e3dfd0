import { expect, test } from 'vitest'
import { accountFor } from '../../../src/broker/why/account.ts'
import type { Grant, TimelineEntry } from '../../../src/store/index.ts'

const NOW_MS = Date.UTC(2030, 0, 1, 12)
const grant: Grant = {
  ...{ id: 'g1', ref: '7K3M-Q2XD', jti: 'j1', vm: 'web', host: 'hv1', tenant: 'acme', user: 'ann' },
  destination: '192.0.2.10:3389',
  issuerThumbprint: 'A'.repeat(64),
  fileName: 'web.rdp',
  createdAtMs: NOW_MS,
  expiresAtMs: NOW_MS + 60_000,
}
const MINTED: Told = [
  'console.minted',
  { vm: 'web', host: 'hv1', user: 'ann', askedBy: 'key:panel' },
]
const AT = { node: 'gw1', tunnel: 't1', remoteAddress: '192.0.2.7' }
const NODE = { ...AT, toldBy: 'node' }

type Told = [event: string, fields: Record<string, unknown>, verified?: boolean]

function account(
  told: Told[],
  { afterMs = 1_000, ...change }: Partial<Grant> & { afterMs?: number } = {},
) {
  const entries = told.map(
    ([event, fields, verified = true], index): TimelineEntry => ({
      id: String(index),
      subject: 'jti:j1',
      atMs: NOW_MS + index,
      ...{ event, verified, body: JSON.stringify(fields) },
    }),
  )
  return accountFor({ grant: { ...grant, ...change }, entries }, NOW_MS + afterMs)
}

test('a file that nobody has presented waits for its time, and then was not used', () => {
  expect(account([MINTED])).toMatchObject({ state: 'waiting', open: 0 })
  const unused = account([MINTED], { afterMs: 60_000 })
  expect(unused).toMatchObject({ state: 'unused', cause: expect.stringContaining('firewall') })
  expect(account([MINTED], { revokedAtMs: NOW_MS + 1 }).state).toBe('revoked')
})

test('an open console, and what has come of it', () => {
  const opened: Told[] = [
    MINTED,
    ['token.redeemed', { ...AT, presentation: 'first' }],
    ['token.redeemed', NODE],
    ['tunnel.created', { ...NODE, transport: 'websocket' }],
    ['channel.opened', { ...NODE, host: '192.0.2.10:3389' }],
  ]
  const open = account(opened)
  expect(open).toMatchObject({ state: 'open', open: 1 })
  expect(open.timeline.map(({ source, text }) => [source, text])).toEqual([
    ['broker', expect.stringContaining('File made for web')],
    ['gw1', 'Presented from 192.0.2.7, and admitted for the first time'],
    ['gw1', 'Tunnel opened from 192.0.2.7 over websocket'],
    ['gw1', 'Connected to the machine at 192.0.2.10:3389'],
  ])
  const ended: Told = [
    'session.closed',
    { ...NODE, reason: 'client-closed', durationMs: 61_000, bytesIn: 5, bytesOut: 7 },
  ]
  const closed = account([...opened, ended])
  expect(closed).toMatchObject({ state: 'ended', reason: 'client-closed', open: 0 })
  expect(closed.timeline.at(-1)?.text).toBe(
    'Session ended: client-closed, after 61 s, 5 bytes in, 7 out',
  )
})

test('a refusal comes once, in the words of who decided, with cause and fix', () => {
  const refused = account([
    MINTED,
    ['token.refused', { ...AT, reason: 'client-mismatch', error: 'client: is bound to 192.0.2.1' }],
    ['token.refused', { ...NODE, reason: 'client-mismatch', error: 'refused by the broker' }],
  ])
  expect(refused).toMatchObject({
    state: 'refused',
    reason: 'client-mismatch',
    cause: expect.any(String),
    fix: expect.stringContaining('clientBinding'),
  })
  expect(refused.timeline).toHaveLength(2)
  expect(refused.timeline[1]).toMatchObject({ source: 'gw1', reason: 'client-mismatch' })
  expect(refused.timeline[1]?.text).toContain('is bound to 192.0.2.1')
})

test('what was not verified has no say in a console that is open', () => {
  const forged: Told = [
    'token.refused',
    { node: 'gw2', tunnel: 't9', toldBy: 'node', reason: 'signature-invalid' },
    false,
  ]
  const told: Told[] = [MINTED, ['tunnel.created', NODE], ['channel.opened', NODE], forged]
  const open = account(told)
  expect(open).toMatchObject({ state: 'open', open: 1 })
  expect(open.timeline.at(-1)).toMatchObject({ verified: false, reason: 'signature-invalid' })
  const ended = account([...told, ['session.closed', { ...NODE, reason: 'client-closed' }], forged])
  expect(ended).toMatchObject({ state: 'refused', reason: 'signature-invalid' })
})

test('what was not verified is told as that', () => {
  const { state, reason, timeline } = account([
    MINTED,
    ['token.refused', { ...NODE, reason: 'signature-invalid' }, false],
  ])
  expect({ state, reason }).toEqual({ state: 'refused', reason: 'signature-invalid' })
  expect(timeline[1]).toMatchObject({
    verified: false,
    text: expect.stringMatching(/not verified/),
  })
})

test('a tunnel whose channel was refused was refused, though its session ended', () => {
  const told: Told[] = [
    ['tunnel.created', NODE],
    ['channel.refused', { ...NODE, reason: 'host-unreachable', error: 'connect: timed out' }],
    ['session.closed', { ...NODE, reason: 'host-unreachable' }],
  ]
  expect(account(told)).toMatchObject({ state: 'refused', reason: 'host-unreachable', open: 0 })
})

test.each(['host-closed', 'host-refused'])(
  'a session that ended with %s, since its agent refused the token, was refused for that',
  (reason) => {
    const told: Told[] = [
      ['tunnel.created', NODE],
      ['token.refused', { agent: 'hv1', tunnel: 'a1', reason: 'token-revoked' }],
      ['session.closed', { ...NODE, reason }],
    ]
    expect(account(told)).toMatchObject({ state: 'refused', reason: 'token-revoked' })
  },
)

test('a session whose host said no was refused', () => {
  const told: Told[] = [
    ['tunnel.created', NODE],
    ['channel.opened', NODE],
    ['session.closed', { ...NODE, reason: 'host-refused' }],
  ]
  expect(account(told)).toMatchObject({ state: 'refused', reason: 'host-refused' })
})

test('a second client that was refused is what is asked about; the first one is still open', () => {
  const told: Told[] = [
    ['tunnel.created', NODE],
    ['token.refused', { ...AT, tunnel: 't2', reason: 'client-mismatch' }],
  ]
  const { state, summary, open } = account(told)
  expect({ state, open }).toEqual({ state: 'refused', open: 1 })
  expect(summary).toMatch(/Another session .* is open\.$/)
})

test('a client that left before the channel was shown a text that it did not agree to', () => {
  const asked: Told = ['tunnel.created', { ...NODE, consentAsked: true }]
  const left: Told = ['session.closed', { ...NODE, reason: 'client-closed' }]
  const declined = account([asked, left])
  expect(declined).toMatchObject({ state: 'ended', reason: 'client-closed' })
  expect(declined.summary).toContain('did not agree')
  expect(declined.timeline[0]?.text).toContain('asked to consent')
  for (const told of [
    [['tunnel.created', NODE], left],
    [asked, ['channel.opened', NODE], left],
    [asked, ['session.closed', { ...NODE, reason: 'set-up-timeout' }]],
  ] satisfies Told[][]) {
    expect(account(told).summary).not.toContain('did not agree')
  }
})

test('a killed session names who asked', () => {
  const { state, reason, timeline } = account([
    ['tunnel.created', NODE],
    ['session.killed', { ...AT, askedBy: 'key:ops' }],
    ['session.killed', { ...NODE, reason: 'killed' }],
    ['session.closed', { ...NODE, reason: 'killed' }],
  ])
  expect({ state, reason }).toEqual({ state: 'ended', reason: 'killed' })
  expect(timeline.map(({ source, text }) => `${source}: ${text}`)).toEqual([
    'gw1: Tunnel opened from 192.0.2.7',
    'broker: Ended by key:ops, and its token is worthless now',
    'gw1: Session ended: killed',
  ])
})

test('reasons and lines of another version are told as far as they can be', () => {
  const told: Told[] = [
    ['token.refused', { ...NODE, reason: 'too-tired' }],
    ['token.redeemed', { ...NODE, presentation: 7 }],
  ]
  const { reason, cause, summary } = account(told)
  expect({ reason, cause }).toEqual({ reason: 'too-tired', cause: undefined })
  expect(summary).toContain('too-tired')
})
