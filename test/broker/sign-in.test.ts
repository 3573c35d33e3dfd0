import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { PortalServices } from '../../src/broker/index.ts'
import type * as passwords from '../../src/broker/passwords.ts'
import { eventually } from '../helpers/eventually.ts'
import { signIn, trySignIn } from './portal-sign-in.ts'
import { createTestBroker, NOW_MS, type TestBroker } from './support.ts'

let api: TestBroker
let services: PortalServices

beforeEach(async () => {
  api = await createTestBroker()
  services = api.broker.services
})
afterEach(() => api.close())

/** A broker from modules of its own, in which every password check tells which hash it was given, and waits. */
async function createWatchedBroker(onHash: (hash: string) => unknown): Promise<TestBroker> {
  const path = '../../src/broker/passwords.ts'
  vi.resetModules()
  vi.doMock(path, async (original) => {
    const actual = await original<typeof passwords>()
    const verifyPassword: typeof actual.verifyPassword = async (password, hash) => {
      const fits = await actual.verifyPassword(password, hash)
      await onHash(hash)
      return fits
    }
    return { ...actual, verifyPassword }
  })
  try {
    const support = await import('./support.ts')
    return await support.createTestBroker()
  } finally {
    vi.doUnmock(path)
    vi.resetModules()
  }
}

describe('signing in', () => {
  test('opens a session of the user and its tenant', async () => {
    const { session, sessionToken } = await signIn(services)
    expect(session).toEqual({
      user: 'ann',
      tenant: { id: 'acme', name: 'Acme' },
      roles: [],
      csrfToken: expect.stringMatching(/^[\w-]{43}$/),
      expiresAt: new Date(NOW_MS + 8 * 60 * 60_000),
    })
    expect(sessionToken.reveal()).toMatch(/^[\w-]{43}$/)
    expect(await services.readSession(sessionToken)).toEqual(session)
  })

  test('works for people of the provider, who have no tenant', async () => {
    const { session } = await signIn(services, 'operator', 'battery staple')
    expect(session).not.toHaveProperty('tenant')
    expect(await services.listVms(session)).toEqual([])
  })

  test.each([
    ['ann', 'wrong'],
    ['ann', ''],
    ['ANN', 'correct horse'],
    ['nobody', 'correct horse'],
    ['', ''],
    ['u'.repeat(5000), 'x'],
    ['ann', 'x'.repeat(100_000)],
  ])('fails in one way whatever is wrong', async (user, password) => {
    expect(await trySignIn(services, user, password)).toEqual({
      ok: false,
      code: 'unauthorized',
      ref: expect.stringMatching(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/),
    })
  })

  test('hashes as much for an unknown user as for a known one', async () => {
    const hashes: string[] = []
    const watched = await createWatchedBroker((hash) => hashes.push(hash))
    await trySignIn(watched.broker.services, 'nobody', 'wrong')
    await trySignIn(watched.broker.services, 'ann', 'wrong')
    await watched.close()
    expect(hashes.map((hash) => hash.split('$').slice(0, 2))).toEqual([
      ['scrypt', 'ln=4,r=8,p=1'],
      ['scrypt', 'ln=4,r=8,p=1'],
    ])
  })

  test.each([
    ['has another password', { password: 'another horse' }],
    ['is disabled', { disabled: true }],
  ])('fails for a user who %s by the time the password is looked at', async (_, change) => {
    const watched: TestBroker = await createWatchedBroker(async () => {
      await watched.put('/v1/users/ann', { tenant: 'acme', ...change }).expect(200)
    })
    const result = await trySignIn(watched.broker.services, 'ann', 'correct horse')
    expect(result).toMatchObject({ ok: false, code: 'unauthorized' })
    expect(await watched.store.sessions.deleteOfUser('ann')).toBe(0)
    await watched.close()
  })

  test('logs a failure by reference, without name or password', async () => {
    const result = await trySignIn(services, 'hunter2-typed-as-name', 'hunter2')
    expect(api.events('auth.failed')).toEqual([
      expect.objectContaining({ ref: result.ok ? '' : result.ref, remoteAddress: '192.0.2.99' }),
    ])
    expect(JSON.stringify(api.events())).not.toContain('hunter2')
  })

  test('hashes two passwords at once, whoever tries, so that signatures find a thread', async () => {
    const held: (() => void)[] = []
    const watched = await createWatchedBroker(
      () => new Promise<void>((resolve) => void held.push(resolve)),
    )
    const tries = Array.from({ length: 8 }, (_, n) =>
      trySignIn(watched.broker.services, `user${n}`, 'wrong', `192.0.2.${n}`),
    )
    for (let done = 0; done < tries.length; done += 2) {
      await eventually('two more', () => held.length === 2)
      // All others have had the time of these two.
      for (const release of held.splice(0)) release()
    }
    expect((await Promise.all(tries)).map(({ ok }) => ok)).toEqual(tries.map(() => false))
    await watched.close()
  })

  test('is limited per user, from wherever the attempts come', async () => {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      await trySignIn(services, 'ann', 'wrong', `192.0.2.${attempt}`)
    }
    expect(await trySignIn(services, 'ann', 'correct horse', '192.0.2.200')).toEqual({
      ok: false,
      code: 'rate-limited',
      retryAfterSeconds: 900,
      ref: expect.any(String),
    })
    expect(await trySignIn(services, 'operator', 'battery staple')).toMatchObject({ ok: true })
  })

  test('is limited per address, whatever the names, and parallel guesses count', async () => {
    const guesses = Array.from({ length: 60 }, (_, index) =>
      trySignIn(services, `user${index}`, 'wrong'),
    )
    await Promise.all(guesses)
    for (let attempt = 0; attempt < 50; attempt += 1) {
      await trySignIn(services, `again${attempt}`, 'wrong')
    }
    expect(await trySignIn(services, 'ann', 'correct horse')).toMatchObject({
      code: 'rate-limited',
    })
    expect(await trySignIn(services, 'ann', 'correct horse', '198.51.100.1')).toMatchObject({
      ok: true,
    })
  })

  test('that succeeds forgives the typing errors before it', async () => {
    for (let round = 0; round < 3; round += 1) {
      for (let attempt = 0; attempt < 9; attempt += 1) await trySignIn(services, 'ann', 'wrong')
      expect(await trySignIn(services, 'ann', 'correct horse')).toMatchObject({ ok: true })
    }
  })
})
