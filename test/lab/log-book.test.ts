import { expect, test } from 'vitest'
import { LabClock } from '../../src/lab/clock.ts'
import { LogBook } from '../../src/lab/log-book.ts'

test('keeps what each role writes, at the time of its clock', () => {
  const clock = new LabClock(5_000)
  const book = new LogBook(clock)
  book.open('gw1').child({ node: 'gw1' }).warn('token.refused', { reason: 'token-expired' })
  book.open('broker').debug('redeem.asked')
  expect(book.lines(() => true)).toEqual([
    {
      atMs: 5_000,
      role: 'gw1',
      level: 'warn',
      event: 'token.refused',
      fields: { node: 'gw1', reason: 'token-expired' },
    },
    { atMs: 5_000, role: 'broker', level: 'debug', event: 'redeem.asked', fields: {} },
  ])
})

test('waits for a line that is yet to come', async () => {
  const book = new LogBook(new LabClock(0))
  const log = book.open('gw1')
  const due = book.until(({ event }) => event === 'session.closed', 5_000)
  log.info('channel.opened')
  log.info('session.closed')
  expect(await due).toMatchObject({ event: 'session.closed' })
  expect(await book.until(({ event }) => event === 'channel.opened', 0)).toBeDefined()
  expect(await book.until(({ event }) => event === 'host.refused', 0)).toBeUndefined()
  // What has come before does not count here.
  expect(await book.next(({ event }) => event === 'channel.opened', 0)).toBeUndefined()
})

test('takes the lines of a process elsewhere, at their own time, and nothing else', () => {
  const book = new LogBook(new LabClock(5_000))
  const line = { level: 'warn', time: '2030-01-01T12:00:00.000Z', event: 'token.refused' }
  book.add(JSON.stringify({ ...line, node: 'gw1', connectionId: 'c1', reason: 'token-expired' }))
  for (const text of [
    '',
    'npm warn',
    'null',
    JSON.stringify({ ...line, node: 'gw1' }),
    JSON.stringify({ ...line, time: 'yesterday', connectionId: 'c1' }),
    JSON.stringify({ ...line, event: 1, connectionId: 'c1' }),
  ]) {
    book.add(text)
  }
  expect(book.lines(() => true)).toEqual([
    {
      atMs: Date.UTC(2030, 0, 1, 12),
      role: 'gw1',
      level: 'warn',
      event: 'token.refused',
      fields: { node: 'gw1', connectionId: 'c1', reason: 'token-expired' },
    },
  ])
})
