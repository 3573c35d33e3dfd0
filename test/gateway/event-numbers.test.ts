import { expect, test } from 'vitest'
import { withEventNumbers } from '../../src/gateway/event-numbers.ts'
import { createLog, type LogFields } from '../../src/lib/index.ts'

function record() {
  const lines: LogFields[] = []
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) }
  return { lines, log: withEventNumbers(createLog({ level: 'debug', stream })) }
}

test("gives a session's lines the numbers of RD Gateway's events", () => {
  const { lines, log } = record()
  const tunnel = log.child({ tunnel: 't1' })
  tunnel.info('tunnel.created')
  tunnel.warn('token.refused', { reason: 'token-expired' })
  tunnel.debug('channel.authorized')
  tunnel.warn('channel.refused', { reason: 'target-mismatch' })
  tunnel.info('channel.opened')
  tunnel.info('session.closed', { reason: 'client-closed' })
  tunnel.warn('channel.refused', { reason: 'host-unreachable' })
  tunnel.debug('connection.refused')
  expect(lines.map(({ rdgEvent }) => rdgEvent)).toEqual([200, 201, 300, 301, 302, 303, 304, 306])
  expect(lines[1]).toMatchObject({ tunnel: 't1', reason: 'token-expired', level: 'warn' })
})

test('leaves other lines as they are', () => {
  const { lines, log } = record()
  log.error('tunnel.failed', { reason: 'internal-error' })
  expect(lines[0]).not.toHaveProperty('rdgEvent')
})
