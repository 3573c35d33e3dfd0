import { afterEach, beforeEach, expect, test } from 'vitest'
import { signIn, trySignIn } from '../portal-sign-in.ts'
import { createTestBroker, type TestBroker } from '../support.ts'

let api: TestBroker

beforeEach(async () => {
  api = await createTestBroker()
})
afterEach(() => api.close())

test('a user is created, signs in, is shown and deleted; nothing shows its password', async () => {
  const wanted = { tenant: 'acme', password: 'correct pony' }
  const created = await api.put('/v1/users/bob%40acme.example', wanted).expect(201)
  expect(created.body).toEqual({ id: 'bob@acme.example', tenant: 'acme', disabled: false })
  await signIn(api.broker.services, 'bob@acme.example', 'correct pony')
  const { body, text } = await api.get('/v1/users').expect(200)
  expect(body.items.map(({ id }: { id: string }) => id)).toEqual([
    'ann',
    'bob@acme.example',
    'operator',
  ])
  expect(text).not.toContain('scrypt')
  expect(JSON.stringify(api.events())).not.toContain('correct pony')
  await api.delete('/v1/users/bob%40acme.example').expect(204)
  await api.get('/v1/users/bob%40acme.example').expect(404)
  expect(await trySignIn(api.broker.services, 'bob@acme.example', 'correct pony')).toMatchObject({
    code: 'unauthorized',
  })
})

test('a disabled user is out at once, and looks like one who is not there', async () => {
  const { services } = api.broker
  const { sessionToken } = await signIn(services)
  await api.put('/v1/users/ann', { tenant: 'acme', disabled: true }).expect(200)
  expect(await services.readSession(sessionToken)).toBeUndefined()
  const refused = await trySignIn(services, 'ann', 'correct horse')
  expect(refused).toMatchObject({ ok: false, code: 'unauthorized' })
  await api.put('/v1/users/ann', { tenant: 'acme' }).expect(200)
  // The session has ended, it was not only locked.
  expect(await services.readSession(sessionToken)).toBeUndefined()
  await signIn(services)
  expect(api.events('user.changed')).toMatchObject([
    { user: 'ann', disabled: true, newPassword: false, ended: 1, askedBy: 'key:test' },
    { user: 'ann', disabled: false, newPassword: false, ended: 0 },
  ])
})

test('a new password ends the sessions of the old one; none at all keeps it', async () => {
  const { services } = api.broker
  const { sessionToken } = await signIn(services)
  await api.put('/v1/users/ann', { tenant: 'acme' }).expect(200)
  expect(await services.readSession(sessionToken)).toBeDefined()
  await api.put('/v1/users/ann', { tenant: 'acme', password: 'another horse' }).expect(200)
  expect(await services.readSession(sessionToken)).toBeUndefined()
  await signIn(services, 'ann', 'another horse')
})

test('a user who is there is not made a second time when only a new one is wanted', async () => {
  const body = { tenant: 'acme', password: 'correct pony' }
  const refused = await api.put('/v1/users/ann', body).set('If-None-Match', '*').expect(412)
  expect(refused.body.code).toBe('conflict')
  await signIn(api.broker.services)
  await api.put('/v1/users/bob', body).set('If-None-Match', '*').expect(201)
})

test.each([
  ['password', {}],
  ['password', { password: 'short' }],
  ['password', { password: 'x'.repeat(1025) }],
  ['tenant', { password: 'correct pony', tenant: 'none' }],
  ['roles', { password: 'correct pony', roles: ['operator'] }],
  ['disabled', { password: 'correct pony', disabled: 'no' }],
])('a user needs a valid %s: %j', async (field, body) => {
  const refused = await api.put('/v1/users/bob', body).expect(400)
  expect(refused.body).toMatchObject({ code: 'validation-failed', errors: [{ field }] })
  expect(refused.text).not.toContain('correct pony')
  await api.get('/v1/users/bob').expect(404)
})

test('a user id has no white space and no control characters', async () => {
  const body = { password: 'correct pony' }
  for (const id of ['bob%20b', '%0abob', 'x'.repeat(129)]) {
    await api.put(`/v1/users/${id}`, body).expect(400)
    await api.get(`/v1/users/${id}`).expect(404)
  }
})
