import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { PortalServices, Session } from '../../src/broker/index.ts'
import { BrokerError, Secret } from '../../src/lib/index.ts'
import { parseRdpFile } from '../../src/rdpfile/index.ts'
import { createTestBroker, NOW_MS, type TestBroker } from './support.ts'

let api: TestBroker
let services: PortalServices

beforeEach(async () => {
  api = await createTestBroker()
  services = api.broker.services
})
afterEach(() => api.close())

const trySignIn = (user: string, password: string, remoteAddress = '192.0.2.99') =>
  services.signIn({ user, password: new Secret(password), remoteAddress })

async function signIn(user = 'ann', password = 'correct horse') {
  const result = await trySignIn(user, password)
  if (!result.ok) throw new Error(result.code)
  return result
}

describe('signing in', () => {
  test('opens a session of the user and its tenant', async () => {
    const { session, sessionToken } = await signIn()
    expect(session).toEqual({
      user: 'ann',
      tenant: { id: 'acme', name: 'Acme' },
      csrfToken: expect.stringMatching(/^[\w-]{43}$/),
      expiresAt: new Date(NOW_MS + 8 * 60 * 60_000),
    })
    expect(sessionToken.reveal()).toMatch(/^[\w-]{43}$/)
    expect(await services.readSession(sessionToken)).toEqual(session)
  })

  test('works for people of the provider, who have no tenant', async () => {
    const { session } = await signIn('operator', 'battery staple')
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
    expect(await trySignIn(user, password)).toEqual({
      ok: false,
      code: 'unauthorized',
      ref: expect.stringMatching(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/),
    })
  })

  test('logs a failure by reference, without name or password', async () => {
    const result = await trySignIn('hunter2-typed-as-name', 'hunter2')
    expect(api.events('auth.failed')).toEqual([
      expect.objectContaining({ ref: result.ok ? '' : result.ref, remoteAddress: '192.0.2.99' }),
    ])
    expect(JSON.stringify(api.events())).not.toContain('hunter2')
  })

  test('is limited per user, from wherever the attempts come', async () => {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      await trySignIn('ann', 'wrong', `192.0.2.${attempt}`)
    }
    expect(await trySignIn('ann', 'correct horse', '192.0.2.200')).toEqual({
      ok: false,
      code: 'rate-limited',
      retryAfterSeconds: 900,
      ref: expect.any(String),
    })
    expect(await trySignIn('operator', 'battery staple')).toMatchObject({ ok: true })
  })

  test('is limited per address, whatever the names, and parallel guesses count', async () => {
    const guesses = Array.from({ length: 60 }, (_, index) => trySignIn(`user${index}`, 'wrong'))
    await Promise.all(guesses)
    for (let attempt = 0; attempt < 50; attempt += 1) await trySignIn(`again${attempt}`, 'wrong')
    expect(await trySignIn('ann', 'correct horse')).toMatchObject({ code: 'rate-limited' })
    expect(await trySignIn('ann', 'correct horse', '198.51.100.1')).toMatchObject({ ok: true })
  })

  test('that succeeds forgives the typing errors before it', async () => {
    for (let round = 0; round < 3; round += 1) {
      for (let attempt = 0; attempt < 9; attempt += 1) await trySignIn('ann', 'wrong')
      expect(await trySignIn('ann', 'correct horse')).toMatchObject({ ok: true })
    }
  })
})

describe('a session', () => {
  test('is known by its token only, and the store has only the hash', async () => {
    const { sessionToken } = await signIn()
    expect(await services.readSession(new Secret('x'.repeat(43)))).toBeUndefined()
    expect(await services.readSession(new Secret(''))).toBeUndefined()
    const insert = vi.spyOn(api.store.sessions, 'insert')
    await signIn()
    expect(JSON.stringify(insert.mock.calls)).not.toContain(sessionToken.reveal())
  })

  test('has its own token against forgery, the same at each read', async () => {
    const one = await signIn()
    const other = await signIn()
    expect(one.session.csrfToken).not.toBe(other.session.csrfToken)
    expect((await services.readSession(one.sessionToken))?.csrfToken).toBe(one.session.csrfToken)
  })

  test('ends when it is signed out, and only that one', async () => {
    const one = await signIn()
    const other = await signIn()
    await services.signOut(one.sessionToken)
    await services.signOut(one.sessionToken)
    expect(await services.readSession(one.sessionToken)).toBeUndefined()
    expect(await services.readSession(other.sessionToken)).toBeDefined()
  })

  test('ends after 30 idle minutes, and use keeps it alive', async () => {
    const { sessionToken } = await signIn()
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
    const { sessionToken } = await signIn()
    for (let minutes = 0; minutes < 480; minutes += 20) {
      expect(await services.readSession(sessionToken)).toBeDefined()
      api.clock.advance(20 * 60_000)
    }
    expect(await services.readSession(sessionToken)).toBeUndefined()
  })

  test('follows its user to another tenant', async () => {
    const { sessionToken } = await signIn()
    const user = await api.store.users.get('ann')
    if (user === undefined) throw new Error('ann is in the fixture')
    await api.store.users.put({ ...user, tenant: 'globex' }, NOW_MS)
    expect((await services.readSession(sessionToken))?.tenant?.id).toBe('globex')
  })
})

describe('consoles', () => {
  let session: Session

  beforeEach(async () => {
    session = (await signIn()).session
  })

  test("the list has the tenant's own machines, and why one cannot be opened", async () => {
    const web = { id: 'web', name: 'Web 1', kind: 'rdp' }
    expect(await services.listVms(session)).toEqual([{ ...web, consoleAvailable: true }])
    await api.put('/v1/hosts/hv1', { kind: 'rdp', address: 'hv1', console: { allow: false } })
    expect(await services.listVms(session)).toEqual([
      { ...web, consoleAvailable: false, unavailableReason: 'host-not-opted-in' },
    ])
  })

  test('a file for 120 s, kept with user and address', async () => {
    const result = await services.openConsole(session, { vm: 'web', clientAddress: '192.0.2.99' })
    if (!result.ok) throw new Error(result.code)
    expect(result.expiresAt).toEqual(new Date(NOW_MS + 120_000))
    expect(result.fileName).toBe(`Web-1-${result.ref}.rdp`)
    expect(parseRdpFile(result.rdp).get('gatewayaccesstoken')).toBeDefined()
    expect(await api.store.grants.findByRef(result.ref)).toMatchObject({
      user: 'ann',
      tenant: 'acme',
      clientAddress: '192.0.2.99',
    })
  })

  test.each(['mail', 'none', '', '../web'])('no file for a machine of others: %s', async (vm) => {
    expect(await services.openConsole(session, { vm, clientAddress: '192.0.2.99' })).toEqual({
      ok: false,
      status: 404,
      code: 'vm-unknown',
      detail: 'There is no machine with this id.',
      ref: expect.any(String),
    })
  })

  test('no file for someone without a tenant', async () => {
    const { session: operator } = await signIn('operator', 'battery staple')
    const result = await services.openConsole(operator, { vm: 'web', clientAddress: '192.0.2.99' })
    expect(result).toMatchObject({ ok: false, code: 'vm-unknown' })
  })

  test('one sentence and a reference when the store fails', async () => {
    const failure = new BrokerError('ERR_STORE', 'disk I/O error')
    vi.spyOn(api.store.grants, 'insert').mockRejectedValue(failure)
    const result = await services.openConsole(session, { vm: 'web', clientAddress: '192.0.2.99' })
    expect(result).toMatchObject({ ok: false, status: 503, code: 'unavailable' })
    expect(JSON.stringify(result)).not.toContain('disk')
  })
})
