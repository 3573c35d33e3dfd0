import { expect, test } from 'vitest'
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
  const tapped = tapSessionEvents(log, { now: () => 5 }, (event) => events.push(event))
  return { lines, events, log: tapped }
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
      type: 'event',
      event: 'session.closed',
      time: 5,
      fields: { tunnel: 't-1', jti: 'j', vm: 'vm1', reason: 'client-closed', bytesIn: 1 },
    },
  ])
})

test.each([
  ['without a jti', 'token.refused', { tunnel: 't-1' }],
  ['that no timeline has', 'node.state', { jti: 'j' }],
  ['with fields that the channel would not take', 'token.refused', { jti: 'j', reason: 'bored' }],
])('a line %s stays in the log', (_, event, fields) => {
  const { lines, events, log } = setUp()
  log.warn(event, fields)
  expect(lines).toHaveLength(1)
  expect(events).toEqual([])
})

test('long text is cut, and debug lines stay here', () => {
  const { events, log } = setUp()
  log.warn('channel.refused', { jti: 'j', error: 'x'.repeat(5000) })
  log.debug('channel.refused', { jti: 'j' })
  expect(events).toHaveLength(1)
  expect(events[0]?.fields.error).toHaveLength(256)
})
