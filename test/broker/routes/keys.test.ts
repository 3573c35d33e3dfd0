import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTestBroker, NOW_MS, type TestBroker } from '../support.ts'

let api: TestBroker

beforeEach(async () => {
  api = await createTestBroker()
})
afterEach(() => api.close())

const ask = (key: string, path = '/v1/vms') =>
  api.anonymous.get(path).set('Authorization', `Bearer ${key}`)

test('a key is made, works as its roles say, is listed without its text, and revoked', async () => {
  const expiresAt = new Date(NOW_MS + 3_600_000).toISOString()
  const wanted = { id: 'helpdesk', label: 'Help desk', roles: ['support', 'viewer'], expiresAt }
  const { body, headers } = await api.post('/v1/keys', wanted).expect(201)
  expect(headers).toMatchObject({ 'cache-control': 'no-store', location: '/v1/keys/helpdesk' })
  expect(body).toEqual({
    id: 'helpdesk',
    label: 'Help desk',
    roles: ['viewer', 'support'],
    createdAt: new Date(NOW_MS).toISOString(),
    expiresAt,
    key: expect.stringMatching(/^pck_helpdesk_[\w-]{43}$/),
  })
  await ask(body.key).expect(200)
  await ask(body.key, '/v1/keys/helpdesk').expect(200)

  const { key: _, ...record } = body
  const list = await api.get('/v1/keys').expect(200)
  expect(list.body.items[0]).toEqual({ ...record, lastUsedAt: record.createdAt })
  expect(list.body.items.map(({ id }: { id: string }) => id)).toEqual(['helpdesk', 'test'])
  expect(list.text).not.toContain('pck_')
  expect(JSON.stringify(api.events())).not.toContain('pck_')

  await api.delete('/v1/keys/helpdesk').expect(204)
  await ask(body.key).expect(401)
  await api.delete('/v1/keys/helpdesk').expect(204)
  const revoked = await api.get('/v1/keys/helpdesk').expect(200)
  expect(revoked.body.revokedAt).toBe(record.createdAt)
  expect(api.events('key.created')).toMatchObject([
    { key: 'helpdesk', roles: ['viewer', 'support'], askedBy: 'key:test' },
  ])
  expect(api.events('key.revoked')).toMatchObject([{ key: 'helpdesk', askedBy: 'key:test' }])
})

test('an id is given once, also after its key is revoked', async () => {
  const wanted = { id: 'panel', roles: ['viewer'] }
  const { body } = await api.post('/v1/keys', wanted).expect(201)
  await api.post('/v1/keys', wanted).expect(409)
  await ask(body.key).expect(200)
  await api.delete('/v1/keys/panel').expect(204)
  await api.post('/v1/keys', wanted).expect(409)
})

test('the last key that can make keys for good stays', async () => {
  const expiresAt = new Date(NOW_MS + 3_600_000).toISOString()
  await api.post('/v1/keys', { id: 'brief', roles: ['trust-admin'], expiresAt }).expect(201)
  await api.post('/v1/keys', { id: 'other', roles: ['operator'] }).expect(201)
  const refused = await api.delete('/v1/keys/test').expect(409)
  expect(refused.body.code).toBe('conflict')
  await api.post('/v1/keys', { id: 'admin', roles: ['trust-admin'] }).expect(201)
  await api.delete('/v1/keys/test').expect(204)
  await api.get('/v1/keys').expect(401)
})

test.each([
  ['id', { id: 'Panel', roles: ['viewer'] }],
  ['id', { roles: ['viewer'] }],
  ['roles', { id: 'panel' }],
  ['roles', { id: 'panel', roles: [] }],
  ['roles.0', { id: 'panel', roles: ['root'] }],
  ['tenants', { id: 'panel', roles: ['portal'] }],
  ['tenants', { id: 'panel', roles: ['viewer'], tenants: ['acme'] }],
  ['tenants.1', { id: 'panel', roles: ['portal'], tenants: ['acme', 'none'] }],
  ['expiresAt', { id: 'panel', roles: ['viewer'], expiresAt: new Date(NOW_MS).toISOString() }],
  ['label', { id: 'panel', roles: ['viewer'], label: 'a\nb' }],
  ['keySha256', { id: 'panel', roles: ['viewer'], keySha256: 'a'.repeat(64) }],
])('a key needs a valid %s: %j', async (field, body) => {
  const refused = await api.post('/v1/keys', body).expect(400)
  expect(refused.body).toMatchObject({ code: 'validation-failed', errors: [{ field }] })
  await api.get('/v1/keys/panel').expect(404)
})

test("a tenant that goes takes its portals' rights along", async () => {
  await api.put('/v1/tenants/shop', { name: 'Shop' }).expect(201)
  const wanted = { id: 'panel', roles: ['portal'], tenants: ['shop', 'acme'] }
  const { body } = await api.post('/v1/keys', wanted).expect(201)
  expect(body.tenants).toEqual(['acme', 'shop'])
  await api.delete('/v1/tenants/shop').expect(204)
  const { body: after } = await api.get('/v1/keys/panel').expect(200)
  expect(after.tenants).toEqual(['acme'])
})
