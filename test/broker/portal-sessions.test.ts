import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { PortalServices } from '../../src/broker/index.ts'
import { Secret } from '../../src/lib/index.ts'
import { signIn } from './portal-sign-in.ts'
import { createTestBroker, NOW_MS, type TestBroker } from './support.ts'

let api: TestBroker
let services: PortalServices

beforeEach(async () => {
  api = await createTestBroker()
  services = api.broker.services
})
afterEach(() => api.close())

describe('a session', () => {
  test('is known by its token only, and the store has only the hash', async () => {
    const { sessionToken } = await signIn(services)
    expect(await services.readSession(new Secret('x'.repeat(43)))).toBeUndefined()
    expect(await services.readSession(new Secret(''))).toBeUndefined()
    const insert = vi.spyOn(api.store.sessions, 'insert')
    await signIn(services)
    expect(JSON.stringify(insert.mock.calls)).not.toContain(sessionToken.reveal())
  })

  test('has its own token against forgery, the same at each read', async () => {
    const one = await signIn(services)
    const other = await signIn(services)
    expect(one.session.csrfToken).not.toBe(other.session.csrfToken)
    expect((await services.readSession(one.sessionToken))?.csrfToken).toBe(one.session.csrfToken)
  })

  test('ends when it is signed out, and only that one', async () => {
    const one = await signIn(services)
    const other = await signIn(services)
    await services.signOut(one.sessionToken)
    await services.signOut(one.sessionToken)
    expect(await services.readSession(one.sessionToken)).toBeUndefined()
    expect(await services.readSession(other.sessionToken)).toBeDefined()
  })

  test('ends after 30 idle minutes, and use keeps it alive', async () => {
    const { sessionToken } = await signIn(services)
    api.clock.advance(29 * 60_000)
    expect(await services.readSession(sessionToken)).toBeDefined()
    api.clock.advance(29 * 60_000)
    expect(await services.readSession(sessionToken)).toBeDefined()
    api.clock.advance(30 * 60_000)
    expect(await services.readSession(sessionToken)).toBeUndefined()
    api.clock.advance(-30 * 60_000)
    expect(await services.readSession(sessionToken)).toBeUndefined()
  })

  test('ends after 8 hours, however much it is used', async () => {
    const { sessionToken } = await signIn(services)
    for (let minutes = 0; minutes < 480; minutes += 20) {
      expect(await services.readSession(sessionToken)).toBeDefined()
      api.clock.advance(20 * 60_000)
    }
    expect(await services.readSession(sessionToken)).toBeUndefined()
  })

  test('ends when its user is disabled or deleted', async () => {
    const user = await api.store.users.get('ann')
    if (user === undefined) throw new Error('ann is in the fixture')
    const first = await signIn(services)
    await api.store.users.put({ ...user, disabled: true }, NOW_MS)
    expect(await services.readSession(first.sessionToken)).toBeUndefined()
    await api.store.users.put(user, NOW_MS)
    const second = await signIn(services)
    await api.store.users.delete('ann')
    expect(await services.readSession(second.sessionToken)).toBeUndefined()
  })

  test('follows its user to another tenant', async () => {
    const { sessionToken } = await signIn(services)
    const user = await api.store.users.get('ann')
    if (user === undefined) throw new Error('ann is in the fixture')
    await api.store.users.put({ ...user, tenant: 'globex' }, NOW_MS)
    expect((await services.readSession(sessionToken))?.tenant?.id).toBe('globex')
  })
})
