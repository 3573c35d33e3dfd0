import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTestBroker, type TestBroker } from '../support.ts'

let api: TestBroker

beforeEach(async () => {
  api = await createTestBroker()
})
afterEach(() => api.close())

const EFFECTIVE = '/v1/policy/effective'

test('without any layer each value is built in', async () => {
  const { body } = await api.get(`${EFFECTIVE}?vm=web`).expect(200)
  expect(body).toMatchObject({ vm: 'web', tenant: 'acme' })
  const builtIn = (value: unknown) => ({ value, source: 'built-in', locked: false })
  expect(body.values).toEqual({
    allowConsole: builtIn(true),
    allowBrowser: builtIn(true),
    ttlMinSeconds: builtIn(5),
    ttlMaxSeconds: builtIn(3600),
    ttlSeconds: builtIn(60),
    tokenFormat: builtIn('native'),
    clientBinding: builtIn('address'),
    reconnectWindowSeconds: builtIn(0),
    idleLimitMinutes: builtIn(0),
    sessionLimitSeconds: builtIn(0),
    maxSessions: builtIn(0),
    redirect: builtIn([]),
    consentText: builtIn(''),
  })
})

test('what the configuration of the broker says is built in as well', async () => {
  await api.restart({ lifetime: { min: 10, max: 90, default: 30 }, clientBinding: 'prefix' })
  const { body } = await api.get(`${EFFECTIVE}?vm=web`).expect(200)
  expect(body.values).toMatchObject({
    ttlMinSeconds: { value: 10, source: 'built-in' },
    ttlSeconds: { value: 30 },
    ttlMaxSeconds: { value: 90 },
    clientBinding: { value: 'prefix', source: 'built-in' },
  })
})

test('each layer is put, read back, and seen in what holds for its machines alone', async () => {
  const provider = { default: { idleLimitMinutes: 30 }, enforce: { redirect: [] } }
  await api.put('/v1/policy/provider', provider).expect(201, provider)
  await api.put('/v1/policy/tenants/acme', { default: { maxSessions: 2 } }).expect(201)
  const vm = { enforce: { idleLimitMinutes: 5 }, default: { redirect: ['drives'] } }
  await api.put('/v1/policy/vms/web', vm).expect(201, vm)
  await api.get('/v1/policy/provider').expect(200, provider)
  const { body: web } = await api.get(`${EFFECTIVE}?vm=web`)
  expect(web.values).toMatchObject({
    idleLimitMinutes: { value: 5, source: 'vm:web', locked: true },
    redirect: { value: [], source: 'provider', locked: true },
    maxSessions: { value: 2, source: 'tenant:acme', locked: false },
  })
  const { body: mail } = await api.get(`${EFFECTIVE}?vm=mail`)
  expect(mail.values).toMatchObject({
    idleLimitMinutes: { value: 30, source: 'provider', locked: false },
    maxSessions: { value: 0, source: 'built-in' },
  })
})

test('what a replacement leaves out is set no more', async () => {
  await api.put('/v1/policy/provider', { enforce: { allowConsole: false } }).expect(201)
  await api.put('/v1/policy/provider', {}).expect(200, { default: {}, enforce: {} })
  const { body } = await api.get(`${EFFECTIVE}?vm=web`)
  expect(body.values.allowConsole).toMatchObject({ value: true, source: 'built-in' })
})

test('a layer that was never put is empty; one of nobody is not found', async () => {
  await api.get('/v1/policy/vms/web').expect(200, { default: {}, enforce: {} })
  for (const path of ['tenants/none', 'vms/none', 'tenants/a:b', 'nobody']) {
    const { body } = await api.get(`/v1/policy/${path}`).expect(404)
    expect(body.code).toBe('not-found')
  }
  await api.put('/v1/policy/tenants/none', {}).expect(404)
  await api.get(`${EFFECTIVE}?vm=none`).expect(404)
})

test('a policy goes with its machine', async () => {
  await api.put('/v1/policy/vms/web', { enforce: { allowConsole: false } }).expect(201)
  await api.delete('/v1/vms/web').expect(204)
  await api.put('/v1/vms/web', { name: 'Web', tenant: 'globex', host: 'hv1' }).expect(201)
  await api.get('/v1/policy/vms/web').expect(200, { default: {}, enforce: {} })
})

test.each([
  [{ enforced: {} }, 'enforced', 'is not a known field'],
  [{ enforce: { ttl: 5 } }, 'enforce.ttl', 'is not a known field'],
  [{ default: { ttlSeconds: 4 } }, 'default.ttlSeconds', 'need at least 5, have 4'],
  [
    { default: { ttlSeconds: 61 }, enforce: { ttlMaxSeconds: 60 } },
    'enforce.ttlMaxSeconds',
    'need at least ttlSeconds, 61, have 60',
  ],
  [
    { default: { consentText: 'a\tb' } },
    'default.consentText',
    'need text without control characters, line feeds aside',
  ],
])('refuses %j, naming the field', async (wanted, field, message) => {
  const { body } = await api.put('/v1/policy/provider', wanted).expect(400)
  expect(body).toMatchObject({ code: 'validation-failed', errors: [{ field, message }] })
})

test('the query names one machine and nothing else', async () => {
  const queries = { '': 'vm', '?vm=web&vm=mail': 'vm', '?vm=web&tenant=acme': 'tenant' }
  for (const [query, field] of Object.entries(queries)) {
    const { body } = await api.get(`${EFFECTIVE}${query}`).expect(400)
    expect(body).toMatchObject({ code: 'validation-failed', errors: [{ field }] })
  }
})

test('a change is told, with who asked for it', async () => {
  await api.put('/v1/policy/tenants/acme', { enforce: { maxSessions: 1 } }).expect(201)
  expect(api.events('policy.changed')).toMatchObject([
    { scope: 'tenant:acme', enforce: { maxSessions: 1 }, askedBy: 'key:test' },
  ])
})
