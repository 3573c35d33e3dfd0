import { afterEach, beforeEach, expect, test } from 'vitest'
import { createApiKey } from '../../src/broker/index.ts'
import { createTestBroker, NOW_MS, type TestBroker } from './support.ts'

let api: TestBroker

beforeEach(async () => {
  api = await createTestBroker()
})
afterEach(() => api.close())

const ask = (authorization: string) =>
  api.anonymous.get('/v1/vms').set('Authorization', authorization)

test('a key opens the API until it is revoked', async () => {
  await ask(`Bearer ${api.key.reveal()}`).expect(200)
  await ask(`bearer ${api.key.reveal()}`).expect(200)
  await api.store.keys.revoke('test', 0)
  await ask(`Bearer ${api.key.reveal()}`).expect(401)
})

test('a key opens nothing from its end on, and is told so', async () => {
  const expiresAt = new Date(NOW_MS + 60_000).toISOString()
  const { body } = await api.post('/v1/keys', { id: 'brief', roles: ['viewer'], expiresAt })
  api.clock.advance(59_999)
  await ask(`Bearer ${body.key}`).expect(200)
  api.clock.advance(1)
  const refused = await ask(`Bearer ${body.key}`).expect(401)
  expect(refused.body.detail).toBe('This API key has expired.')
})

test("a key's last use is kept, to the minute", async () => {
  const lastUse = async () => (await api.store.keys.get('test'))?.lastUsedAtMs
  expect(await lastUse()).toBeUndefined()
  await ask(`Bearer ${api.key.reveal()}`).expect(200)
  expect(await lastUse()).toBe(NOW_MS)
  api.clock.advance(59_999)
  await ask(`Bearer ${api.key.reveal()}`).expect(200)
  expect(await lastUse()).toBe(NOW_MS)
  api.clock.advance(1)
  await ask(`Bearer ${api.key.reveal()}`).expect(200)
  expect(await lastUse()).toBe(NOW_MS + 60_000)
})

test('everything else is 401, and the log never shows it', async () => {
  const stranger = createApiKey('test').reveal()
  const wrong = [
    '',
    'Bearer',
    'Bearer x',
    `Bearer ${stranger}`,
    `Bearer ${api.key.reveal()}x`,
    `Bearer ${api.key.reveal()} ${api.key.reveal()}`,
    `Basic ${Buffer.from(`x:${api.key.reveal()}`).toString('base64')}`,
  ]
  for (const authorization of wrong) {
    const { body, headers } = await ask(authorization).expect(401)
    expect(body.code).toBe('unauthorized')
    expect(headers['www-authenticate']).toBe('Bearer realm="portcullis"')
  }
  const failures = api.events('auth.failed')
  expect(failures).toHaveLength(wrong.length)
  expect(failures[0]).toMatchObject({ code: 'unauthorized', ref: expect.any(String) })
  expect(JSON.stringify(api.events())).not.toContain('pck_')
})

test('a key in the URL counts for nothing', async () => {
  await api.anonymous.get(`/v1/vms?key=${api.key.reveal()}`).expect(401)
  await api.anonymous.get(`/v1/vms?access_token=${api.key.reveal()}`).expect(401)
})

test('an address that keeps failing is told to wait, but a right key still works from it', async () => {
  for (let attempt = 0; attempt < 30; attempt += 1) await ask('Bearer wrong').expect(401)
  const { body, headers } = await ask('Bearer wrong').expect(429)
  expect(body.code).toBe('rate-limited')
  expect(Number(headers['retry-after'])).toBeGreaterThan(0)
  expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60)
  await ask(`Bearer ${api.key.reveal()}`).expect(200)
  expect(api.events('auth.failed').filter(({ level }) => level === 'warn')).toHaveLength(30)
})
