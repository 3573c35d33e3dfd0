import type supertest from 'supertest'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { verifyAuditCheckpoint } from '../../../src/tokens/index.ts'
import { signIn, trySignIn } from '../portal-sign-in.ts'
import { createTestBroker, NOW_MS, type TestBroker } from '../support.ts'

let broker: TestBroker

beforeEach(async () => {
  broker = await createTestBroker()
})
afterEach(() => broker.close())

async function audit(query = '') {
  return (await broker.get(`/v1/audit${query}`).expect(200)).body
}

const METHODS = ['put', 'post', 'delete'] as const

/** Every operation of the OpenAPI document that may change something. */
async function writes() {
  const { body } = await broker.anonymous.get('/v1/openapi.json').expect(200)
  return Object.entries<Record<string, { operationId: string }>>(body.paths).flatMap(
    ([path, operations]) =>
      METHODS.flatMap((method) => {
        const action = operations[method]?.operationId
        return action === undefined
          ? []
          : [{ path: path.replace('{id}', 'no-such'), method, action }]
      }),
  )
}

test('every route that may change something leaves one record of who asked for what', async () => {
  const operations = await writes()
  expect(operations.length).toBeGreaterThan(15)
  for (const { path, method, action } of operations) {
    const before = (await audit('?limit=1000')).items.length
    const { status, body } = await broker[method](path, {})
    const { items } = await audit('?limit=1000')
    expect(items.slice(before), `${method} ${path}`).toMatchObject([
      {
        ...{ broker: 'broker.example.net', actor: 'key:test', action, subject: path },
        ...(status < 300 ? { outcome: 'done' } : { outcome: body.code, ref: body.ref }),
      },
    ])
  }
})

test('reading leaves none', async () => {
  await broker.get('/v1/hosts').expect(200)
  expect((await audit()).items).toEqual([])
})

test('who has no valid key, or one that may not, leaves one record and a count', async () => {
  const viewer = await broker.addKey(['viewer'])
  const asViewer = (test: supertest.Test) => test.auth(viewer.reveal(), { type: 'bearer' })
  const { body: unknown } = await broker.anonymous.get('/v1/hosts').expect(401)
  await broker.anonymous.put('/v1/tenants/t1').send({ name: 'T' }).expect(401)
  const { body: forbidden } = await asViewer(broker.anonymous.put('/v1/tenants/t1')).expect(403)
  await asViewer(broker.anonymous.get('/v1/why/7K3M-Q2XD')).expect(403)
  const { items } = await audit()
  const actor = expect.stringMatching(/^address:127\.0\.0\.1$/)
  const authenticate = { actor, action: 'authenticate', subject: '/v1', outcome: 'unauthorized' }
  const byViewer = { actor: 'key:key1', outcome: 'forbidden' }
  expect(items).toMatchObject([
    { ...authenticate, ref: unknown.ref },
    { ...byViewer, action: 'putTenant', subject: '/v1/tenants/t1', ref: forbidden.ref },
    { ...byViewer, action: 'why', subject: '/v1/why/7K3M-Q2XD' },
  ])
  await broker.restart()
  const [, , , sum] = (await audit()).items
  expect(sum).toMatchObject({ ...authenticate, details: JSON.stringify({ repeated: 1 }) })
  expect(sum).not.toHaveProperty('ref')
})

test('signing in and out at the portal leaves records, and so do the failures', async () => {
  const { services } = broker.broker
  const { sessionToken } = await signIn(services)
  const ofKnown = await trySignIn(services, 'ann', 'wrong')
  const ofUnknown = await trySignIn(services, 'hunter2-typed-as-name', 'wrong')
  if (ofKnown.ok || ofUnknown.ok) throw new TypeError('signed in')
  await services.signOut(sessionToken)
  await services.signOut(sessionToken)
  const { items } = await audit()
  const failed = { actor: 'address:192.0.2.99', action: 'signIn', outcome: 'unauthorized' }
  expect(items).toMatchObject([
    {
      ...{ actor: 'user:ann', action: 'signIn', subject: '/sign-in', outcome: 'done' },
      details: JSON.stringify({ remoteAddress: '192.0.2.99' }),
    },
    { ...failed, ref: ofKnown.ref, details: JSON.stringify({ user: 'ann' }) },
    { ...failed, ref: ofUnknown.ref },
    { actor: 'user:ann', action: 'signOut', subject: '/sign-out', outcome: 'done' },
  ])
  expect(JSON.stringify(items)).not.toContain('hunter2')
})

test('a sign-in that leaves no record opens no session', async () => {
  broker.store.audit.append = () => Promise.reject(new Error('disk full'))
  await expect(signIn(broker.broker.services)).rejects.toThrow('disk full')
})

test('a console that the portal refuses leaves a record', async () => {
  const { services } = broker.broker
  const { session } = await signIn(services)
  const refused = await services.openConsole(session, { vm: 'mail', clientAddress: '192.0.2.7' })
  if (refused.ok) throw new TypeError('opened')
  expect((await audit('?action=openConsole')).items).toMatchObject([
    { actor: 'user:ann', subject: '/console', outcome: 'vm-unknown', ref: refused.ref },
  ])
})

test('every mint leaves one record, over the API and from the portal', async () => {
  const { body: opened } = await broker.post('/v1/consoles', { vm: 'web', user: 'ann' }).expect(201)
  const { services } = broker.broker
  const session = {
    ...{ user: 'ann', tenant: { id: 'acme', name: 'Acme' } },
    ...{ roles: [], csrfToken: '', expiresAt: new Date() },
  }
  const portal = await services.openConsole(session, { vm: 'web', clientAddress: '192.0.2.7' })
  if (!portal.ok) throw new TypeError(portal.code)
  const { items } = await audit('?action=openConsole')
  expect(items).toMatchObject([
    { actor: 'key:test', subject: `/v1/consoles/${opened.id}`, ref: opened.ref, outcome: 'done' },
    { actor: 'user:ann', ref: portal.ref },
  ])
  expect(JSON.parse(items[0].details)).toMatchObject({ vm: 'web', tenant: 'acme', user: 'ann' })
  expect(JSON.stringify(items)).not.toContain(opened.gatewayToken.slice(0, 40))
})

test('what was asked for is kept, without its secrets, and as a digest when it is long', async () => {
  await broker.put('/v1/users/bob', { tenant: 'acme', password: 'correct horse 2' }).expect(201)
  const tenants = Array.from({ length: 200 }, (_, n) => ({ id: `t${n}`, name: `Tenant ${n}` }))
  await broker.post('/v1/import', { tenants }).expect(200)
  const [put, imported] = (await audit()).items
  expect(JSON.parse(put.details)).toMatchObject({ tenant: 'acme' })
  expect(put.details).not.toContain('horse')
  expect(JSON.parse(imported.details)).toEqual({
    characters: expect.any(Number),
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
  })
})

test('a change that leaves no record is not answered as done', async () => {
  broker.store.audit.append = () => Promise.reject(new Error('disk full'))
  const { body } = await broker.put('/v1/tenants/t1', { name: 'T' }).expect(500)
  expect(body.code).toBe('internal-error')
  await broker.post('/v1/consoles', { vm: 'web' }).expect(500)
})

test('it is read page by page, or the newest first, or by who, what and reference', async () => {
  for (const id of ['a', 'b', 'c']) await broker.put(`/v1/tenants/${id}`, { name: id }).expect(201)
  const { body: refused } = await broker.delete('/v1/tenants/acme').expect(409)
  const first = await audit('?limit=3')
  expect(first.items.map(({ seq }: { seq: number }) => seq)).toEqual([1, 2, 3])
  const { items, next } = await audit(`?limit=3&after=${encodeURIComponent(first.next)}`)
  expect(items).toMatchObject([{ seq: 4, outcome: 'conflict' }])
  expect(next).toBeUndefined()
  const newest = await audit('?newest=true&limit=2')
  expect(newest.items.map(({ seq }: { seq: number }) => seq)).toEqual([4, 3])
  expect((await audit(`?ref=${refused.ref}`)).items).toHaveLength(1)
  expect((await audit('?actor=user:ann')).items).toEqual([])
  for (const wrong of ['limit=0', 'limit=1001', 'after=x', 'newest=no', 'else=1']) {
    await broker.get(`/v1/audit?${wrong}`).expect(400)
  }
})

test('checkpoints say what the issuer has signed', async () => {
  await broker.put('/v1/tenants/t1', { name: 'T' }).expect(201)
  const { items: records } = await audit()
  const { seq, hash } = records[0]
  const text = await broker.issuer.signCheckpoint({
    iss: 'broker.example.net',
    iat: NOW_MS / 1000,
    seq,
    hash,
  })
  await broker.store.audit.addCheckpoint({ broker: 'broker.example.net', seq, hash, atMs: 0, text })
  const { body } = await broker.get('/v1/audit/checkpoints').expect(200)
  expect(body.items).toMatchObject([{ seq: 1, hash }])
  expect(body.keepDays).toBe(365)
  expect(
    verifyAuditCheckpoint(body.items[0].checkpoint, [broker.issuer.certificate]),
  ).toMatchObject({
    seq: 1,
    hash,
  })
})
