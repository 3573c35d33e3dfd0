import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Browser, browse, browseWith } from './portal-sign-in.ts'
import { createTestBroker, type TestBroker } from './support.ts'

let api: TestBroker

beforeEach(async () => {
  api = await createTestBroker()
})
afterEach(() => api.close())

describe('a session of the portal', () => {
  let eve: Browser

  beforeEach(async () => {
    eve = await browseWith(api, ['operator', 'support'])
  })

  test('opens the API, and log and audit name its user', async () => {
    await eve('put', '/v1/tenants/shop').send({ name: 'Shop' }).expect(201)
    await eve('delete', '/v1/tenants/none').expect(404)
    await eve('put', '/v1/keys/none').expect(405)
    const { body: refused } = await eve('post', '/v1/keys').send({}).expect(403)
    expect(api.events('request.refused').at(-1)).toMatchObject({
      ...{ askedBy: 'user:eve', ref: refused.ref, code: 'forbidden' },
    })
    const { body } = await eve('get', '/v1/audit?actor=user:eve').expect(200)
    const records = body.items.map(({ action, outcome }: Record<string, string>) => [
      action,
      outcome,
    ])
    expect(records).toEqual(
      expect.arrayContaining([
        ['putTenant', 'done'],
        ['deleteTenant', 'not-found'],
        ['createKey', 'forbidden'],
      ]),
    )
  })

  test('changes nothing for a page of another site, and that is recorded', async () => {
    const { body } = await eve('delete', '/v1/tenants/acme', 'https://evil.example').expect(403)
    expect(body).toMatchObject({
      code: 'origin-refused',
      detail: expect.stringMatching(/^origin: need https:..portal/),
    })
    await eve('put', '/v1/tenants/shop', '').send({ name: 'Shop' }).expect(403)
    const sibling = eve('put', '/v1/tenants/shop').set('Sec-Fetch-Site', 'same-site')
    await sibling.send({ name: 'Shop' }).expect(403)
    expect(await api.store.tenants.get('shop')).toBeUndefined()
    const records = await eve('get', '/v1/audit?actor=user:eve').expect(200)
    expect(records.body.items).toContainEqual(
      expect.objectContaining({ action: 'deleteTenant', outcome: 'origin-refused' }),
    )
  })

  test('reads for a link from anywhere', async () => {
    const link = eve('get', '/v1/tenants', '').set('Sec-Fetch-Site', 'cross-site')
    await link.expect(200)
  })

  test('is not looked at beside a key, right or wrong', async () => {
    const key = (await api.addKey(['viewer'])).reveal()
    const both = (text: string) => eve('put', '/v1/tenants/shop').set('Authorization', text)
    await both(`Bearer ${key}`).send({ name: 'Shop' }).expect(403)
    await both('Bearer wrong').send({ name: 'Shop' }).expect(401)
    await both('Basic eDp5').send({ name: 'Shop' }).expect(401)
    // A key needs no origin: no browser sends it by itself.
    const own = `Bearer ${api.key.reveal()}`
    await eve('put', '/v1/tenants/shop', '')
      .set('Authorization', own)
      .send({ name: 'Shop' })
      .expect(201)
  })

  test.each([
    ['other roles', { roles: ['viewer'] }, 403],
    ['no roles', {}, 403],
    ['a tenant', { tenant: 'acme' }, 403],
    ['another password', { roles: ['operator'], password: 'another pony' }, 401],
    ['no more access', { roles: ['operator'], disabled: true }, 401],
  ])('with %s from now on may no more with its next request', async (_, body, status) => {
    await eve('put', '/v1/tenants/shop').send({ name: 'Shop' }).expect(201)
    await api.put('/v1/users/eve', body).expect(200)
    await eve('put', '/v1/tenants/shop').send({ name: 'Shop' }).expect(status)
  })

  test('of a user who is deleted has ended', async () => {
    await api.delete('/v1/users/eve').expect(204)
    const { body } = await eve('get', '/v1/tenants').expect(401)
    expect(body).toMatchObject({
      code: 'unauthorized',
      detail: 'This session has ended: sign in at the portal again.',
    })
    expect(api.events('auth.failed')).toHaveLength(1)
  })

  test('ends after 30 idle minutes, and requests keep it alive', async () => {
    for (let round = 0; round < 3; round += 1) {
      api.clock.advance(29 * 60_000)
      await eve('get', '/v1/tenants').expect(200)
    }
    api.clock.advance(30 * 60_000)
    await eve('get', '/v1/tenants').expect(401)
  })

  test('works from an address that is limited for wrong ones', async () => {
    const wrong = () =>
      api.anonymous.get('/v1/vms').set('Cookie', `__Host-portcullis=${'x'.repeat(43)}`)
    for (let attempt = 0; attempt < 30; attempt += 1) await wrong().expect(401)
    await wrong().expect(429)
    await eve('get', '/v1/tenants').expect(200)
  })

  test('gives no rights that its user has not', async () => {
    const password = 'correct pony'
    const put = (user: string, body: object) => eve('put', `/v1/users/${user}`).send(body)
    await put('bob', { password, roles: ['viewer', 'support'] }).expect(201)
    await put('bob', { password, roles: ['trust-admin'] }).expect(403)
    await put('eve', { roles: ['operator', 'support', 'trust-admin'] }).expect(403)
    await put('eve', { roles: ['operator'] }).expect(200)
    await put('eve', { roles: ['operator', 'support'] }).expect(403)
    await put('bob', { password: 'another pony', roles: [] }).expect(403)
  })
})

describe('a console', () => {
  test('is opened for the user who is signed in, and counted', async () => {
    await api.restart({ minting: { openPerUser: 2 } })
    const eve = await browseWith(api, ['operator'])
    const open = (vm: string, body = {}) => eve('post', '/v1/consoles').send({ vm, ...body })
    const { body } = await open('web').expect(201)
    await open('mail', { user: 'bob' }).expect(201)
    expect(await api.store.grants.get(body.id)).toMatchObject({ user: 'eve', tenant: 'acme' })
    expect(api.events('console.minted')).toMatchObject([
      { user: 'eve', askedBy: 'user:eve' },
      { user: 'bob', askedBy: 'user:eve' },
    ])
    await open('web').expect(201)
    const { body: refused } = await open('web').expect(429)
    expect(refused.code).toBe('rate-limited')
  })

  test("is a tenant's user's own, of its own tenant", async () => {
    const ann = await browse(api)
    const open = (body: object) => ann('post', '/v1/consoles').send(body)
    const { body } = await open({ vm: 'web', ttlSeconds: 30 }).expect(201)
    await ann('get', `/v1/consoles/${body.id}`).expect(200)
    expect(await api.store.grants.get(body.id)).toMatchObject({ user: 'ann', tenant: 'acme' })
    await open({ vm: 'mail' }).expect(404)
    const { body: foreign } = await api.post('/v1/consoles', { vm: 'mail' }).expect(201)
    const { body: hidden } = await ann('get', `/v1/consoles/${foreign.id}`).expect(404)
    expect(hidden.detail).toBe(`There is no console "${foreign.id}".`)
    for (const more of [
      { user: 'bob' },
      { user: 'ann', clientAddress: '192.0.2.1' },
      { tokenFormat: 'fedauth' },
    ]) {
      const { body: refused } = await open({ vm: 'web', ...more }).expect(403)
      expect(refused).toMatchObject({ code: 'forbidden' })
    }
  })

  test('that is asked for twice with the same Idempotency-Key is one, of each user', async () => {
    const [eve, kim] = [
      await browseWith(api, ['operator']),
      await browseWith(api, ['operator'], 'kim'),
    ]
    const open = async (who: Browser) => {
      const asked = who('post', '/v1/consoles').set('Idempotency-Key', 'k1').send({ vm: 'web' })
      return (await asked.expect(201)).body.id
    }
    const first = await open(eve)
    expect(await open(eve)).toBe(first)
    expect(await open(kim)).not.toBe(first)
  })
})
