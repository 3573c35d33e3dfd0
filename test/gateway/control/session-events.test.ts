import { expect, test } from 'vitest'
import { decodeToBroker, encodeMessage } from '../../../src/control/codec.ts'
import type { SessionEvent } from '../../../src/control/index.ts'
import { tapSessionEvents } from '../../../src/gateway/control/session-events.ts'
import { createLog, type LogFields } from '../../../src/lib/index.ts'

function setUp() {
  const lines: LogFields[] = []
  const events: SessionEvent[] = []
  const log = createLog({
    level: 'debug',
    stream: { write: (line: string) => void lines.push(JSON.parse(line)) },
  })
  let nowMs = 5
  const tapped = tapSessionEvents(log, { now: () => nowMs }, (event) => events.push(event))
  const wait = (ms: number) => {
    nowMs += ms
  }
  return { lines, events, log: tapped, wait }
}

test('a line about a session becomes an event with the fields of its context', () => {
  const { lines, events, log } = setUp()
  const session = log
    .child({ tunnel: 't-1' })
    .child({ jti: 'j', vm: 'vm1', connectionId: undefined })
  session.info('session.closed', { reason: 'client-closed', bytesIn: 1, address: '192.0.2.1' })
  expect(lines).toMatchObject([{ event: 'session.closed', tunnel: 't-1', bytesIn: 1 }])
  expect(events).toEqual([
    {
      event: 'session.closed',
      time: 5,
      fields: { tunnel: 't-1', jti: 'j', vm: 'vm1', reason: 'client-closed', bytesIn: 1 },
    },
  ])
})

test.each([
  ['without a jti and a reference', 'token.refused', { tunnel: 't-1' }],
  ['that no timeline has', 'node.state', { jti: 'j' }],
])('a line %s stays in the log', (_, event, fields) => {
  const { lines, events, log } = setUp()
  log.warn(event, fields)
  expect(lines).toHaveLength(1)
  expect(events).toEqual([])
})

test('the refusal of a stranger goes on with its reference, and what its token calls itself', () => {
  const { events, log } = setUp()
  const fields = {
    tunnel: 't-1',
    reason: 'token-expired',
    ref: '7K3M-Q2XD',
    claimedJti: 'j',
  } as const
  log.warn('token.refused', fields)
  expect(events).toEqual([{ event: 'token.refused', time: 5, fields }])
})

test('of many refusals of strangers only some go on, and all that happens to tokens does', () => {
  const { lines, events, log, wait } = setUp()
  const refuse = () => log.warn('token.refused', { reason: 'token-malformed', ref: '7K3M-Q2XD' })
  for (let n = 0; n < 1_000; n += 1) refuse()
  expect(lines).toHaveLength(1_000)
  expect(events).toHaveLength(200)
  log.info('token.redeemed', { jti: 'j' })
  expect(events).toHaveLength(201)
  wait(1_000)
  for (let n = 0; n < 1_000; n += 1) refuse()
  expect(events).toHaveLength(221)
})

test('what goes on is what a broker reads, whatever else the line holds', () => {
  const { events, log } = setUp()
  log.warn('channel.refused', {
    ...{ tunnel: 't-1', jti: 'j', user: 'u', vm: 'vm1', host: 'hv1.example:3389' },
    ...{ reason: 'host-unreachable', error: `${'x'.repeat(255)}\u{1f600}`, ref: '7K3M-Q2XD' },
    ...{ code: 1, rdgEvent: 304, toString: 'no field', connectionId: undefined },
  })
  const [event] = events
  if (event === undefined) throw new Error('the line was kept back')
  expect(decodeToBroker(encodeMessage({ type: 'event', ...event }))).toEqual({
    type: 'event',
    ...event,
  })
  expect(Object.keys(event.fields).sort()).toEqual([
    'error',
    'host',
    'jti',
    'reason',
    'ref',
    'tunnel',
    'user',
    'vm',
  ])
})

test('long text is cut, and debug lines stay here', () => {
  const { events, log } = setUp()
  log.warn('channel.refused', { jti: 'j', error: 'x'.repeat(5000) })
  log.debug('channel.refused', { jti: 'j' })
  expect(events).toHaveLength(1)
  expect(events[0]?.fields.error).toHaveLength(256)
})
