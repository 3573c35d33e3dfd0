import { afterEach, beforeEach, describe, expect, test } from 'vitest'
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
  expect(created.body).toEqual({
    id: 'bob@acme.example',
    tenant: 'acme',
    roles: [],
    disabled: false,
  })
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

test('roles are given, shown in their order, replaced and recorded', async () => {
  const password = 'correct pony'
  const roles = ['operator', 'viewer', 'viewer']
  const { body } = await api.put('/v1/users/eve', { password, roles }).expect(201)
  expect(body).toEqual({ id: 'eve', roles: ['viewer', 'operator'], disabled: false })
  expect((await api.get('/v1/users/eve').expect(200)).body).toEqual(body)
  const { sessionToken } = await signIn(api.broker.services, 'eve', password)
  await api.put('/v1/users/eve', { roles: ['support'] }).expect(200)
  // They are looked up at each request: nobody has to sign in again.
  expect(await api.broker.services.readSession(sessionToken)).toBeDefined()
  await api.put('/v1/users/eve', {}).expect(200)
  expect((await api.get('/v1/users/eve')).body.roles).toEqual([])
  expect(api.events('user.changed').map(({ roles: given }) => given)).toEqual([
    ['viewer', 'operator'],
    ['support'],
    [],
  ])
  const records = await api.get('/v1/audit?action=putUser').expect(200)
  const details = records.body.items.map(({ details: text }: { details: string }) => text)
  expect(details.map((text: string) => JSON.parse(text))).toContainEqual({
    password: '[secret]',
    roles: ['viewer', 'operator'],
  })
})

describe('a key of an operator', () => {
  const password = 'correct pony'
  let operator: (method: 'put' | 'delete', user: string, body?: object) => Promise<number>

  beforeEach(async () => {
    const auth = `Bearer ${(await api.addKey(['operator'])).reveal()}`
    operator = async (method, user, body) =>
      (await api.anonymous[method](`/v1/users/${user}`).set('Authorization', auth).send(body))
        .status
    await api.put('/v1/users/root', { password, roles: ['trust-admin'] }).expect(201)
    await api.put('/v1/users/peer', { password, roles: ['operator'] }).expect(201)
  })

  test("keeps tenants' users and other operators", async () => {
    expect(await operator('put', 'ann', { tenant: 'acme', password })).toBe(200)
    expect(await operator('put', 'peer', { roles: ['operator'], password })).toBe(200)
    expect(await operator('delete', 'peer')).toBe(204)
  })

  test('gives nobody a role that may more than it may', async () => {
    for (const role of ['viewer', 'support', 'trust-admin']) {
      expect(await operator('put', 'new', { password, roles: ['operator', role] }), role).toBe(403)
      expect(await operator('put', 'ann', { roles: [role] }), role).toBe(403)
    }
    await api.get('/v1/users/new').expect(404)
  })

  test('gives any role where it may make keys as well, which have any', async () => {
    const auth = `Bearer ${(await api.addKey(['operator', 'trust-admin'])).reveal()}`
    const body = { password, roles: ['support', 'trust-admin'] }
    await api.anonymous.put('/v1/users/new').set('Authorization', auth).send(body).expect(201)
  })

  test('takes over nobody who may more: no password, no roles, no tenant, no end', async () => {
    const before = await api.store.users.get('root')
    for (const body of [{ password }, { roles: [] }, { tenant: 'acme' }, { disabled: true }]) {
      expect(await operator('put', 'root', body), JSON.stringify(body)).toBe(403)
    }
    const refused = await api.anonymous
      .delete('/v1/users/root')
      .set('Authorization', `Bearer ${(await api.addKey(['operator'])).reveal()}`)
    expect(refused.body.detail).toBe('This takes all rights of these roles: trust-admin.')
    expect(await api.store.users.get('root')).toEqual(before)
    const records = await api.get('/v1/audit?action=deleteUser').expect(200)
    expect(records.body.items).toMatchObject([{ subject: '/v1/users/root', outcome: 'forbidden' }])
  })
})

test.each([
  ['password', {}],
  ['password', { password: 'short' }],
  ['password', { password: 'x'.repeat(1025) }],
  ['tenant', { password: 'correct pony', tenant: 'none' }],
  ['roles.0', { password: 'correct pony', roles: ['portal'] }],
  ['roles.1', { password: 'correct pony', roles: ['viewer', 'root'] }],
  ['roles', { password: 'correct pony', tenant: 'acme', roles: ['viewer'] }],
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
