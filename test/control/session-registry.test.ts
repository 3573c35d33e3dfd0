import { expect, test } from 'vitest'
import { isNamed, SessionRegistry } from '../../src/control/session-registry.ts'
import { Refusal } from '../../src/lib/index.ts'
import { CLAIMS, HOST_CLAIMS } from '../tokens/minting.ts'
import { createTestSession, createUnverifiedSession } from './verifier-sessions.ts'

const KILLED = new Refusal('killed', 'by a test')

function setUp() {
  const sessions = new SessionRegistry()
  const [first, second] = [createTestSession('t1'), createTestSession('t2')]
  const stranger = createUnverifiedSession('t3')
  for (const session of [first, second, stranger]) sessions.add(session)
  return { sessions, first, second, stranger }
}

test('a session is there until it is done, and holds a lease once its token is verified', async () => {
  const { sessions, first, second, stranger } = setUp()
  expect(sessions.all()).toEqual([first, second, stranger])
  expect(sessions.holding()).toEqual([first, second])
  first.finish()
  await first.done
  expect(sessions.all()).toEqual([second, stranger])
})

test('those that match are ended, and no others', () => {
  const { sessions, first, second, stranger } = setUp()
  expect(sessions.endWhere(({ id }) => id === 't2', KILLED)).toEqual([second])
  expect([first, second, stranger].map(({ ends }) => ends)).toEqual([[], ['killed'], []])
})

test('all are ended, and that is done when the last of them is', async () => {
  const { sessions, first, second, stranger } = setUp()
  let ended = false
  const ending = sessions.endAll(KILLED).then(() => {
    ended = true
  })
  expect([first, second, stranger].map(({ ends }) => ends)).toEqual(Array(3).fill(['killed']))
  first.finish()
  stranger.finish()
  await Promise.all([first.done, stranger.done])
  expect(ended).toBe(false)
  second.finish()
  await ending
  expect(sessions.all()).toEqual([])
})

const EVERY_NAME = [
  ['tunnel', { tunnel: 't1' }, { tunnel: 't2' }],
  ['jti', { jti: CLAIMS.jti }, { jti: 'other' }],
  ['vm', { vm: 'vm-1' }, { vm: 'vm-2' }],
  ['tenant', { tenant: 'contoso' }, { tenant: 'fabrikam' }],
  ['user', { user: 'alice' }, { user: 'bob' }],
] as const

test.each(EVERY_NAME)('a session is named by its %s, and by no other', (_, by, other) => {
  const session = createTestSession('t1')
  expect(isNamed(session, by)).toBe(true)
  expect(isNamed(session, other)).toBe(false)
})

test('a session that is not verified yet is named by its id alone, one of a host token by no tenant and no user', () => {
  const namesOf = (session: Parameters<typeof isNamed>[0]) =>
    EVERY_NAME.filter(([, by]) => isNamed(session, by)).map(([name]) => name)
  expect(namesOf(createUnverifiedSession('t1'))).toEqual(['tunnel'])
  expect(namesOf(createTestSession('t1', HOST_CLAIMS))).toEqual(['tunnel', 'jti', 'vm'])
})
