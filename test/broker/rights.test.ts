import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROLES, type Role, USER_ROLES } from '../../src/store/index.ts'
import { type Browser, browse, browseWith, ORIGIN } from './portal-sign-in.ts'
import { createTestBroker, type TestBroker } from './support.ts'

/**
 * Who may what, said a second time and by hand, operation by operation: a route that is not here, or a
 * right that has moved, fails. DESIGN: viewers read everything but tokens.
 */
const MAY: Record<string, readonly Role[] | 'public'> = {
  getHealth: 'public',
  getReadiness: 'public',
  getKeySet: 'public',
  getOpenApi: 'public',
  getMetrics: ['viewer', 'support', 'operator', 'trust-admin'],
  listAudit: ['viewer', 'support', 'operator', 'trust-admin'],
  listAuditCheckpoints: ['viewer', 'support', 'operator', 'trust-admin'],

  openConsole: ['operator', 'portal'],
  getConsole: ['viewer', 'support', 'operator', 'portal'],
  revokeConsole: ['support', 'operator'],

  ...inventory('Tenants', 'Tenant'),
  ...inventory('Hosts', 'Host'),
  ...inventory('Vms', 'Vm'),
  ...inventory('Users', 'User'),
  probeHost: ['operator'],
  putHostConsole: ['operator'],
  importInventory: ['operator'],

  getEffectivePolicy: ['viewer', 'support', 'operator'],
  getProviderPolicy: ['viewer', 'support', 'operator'],
  putProviderPolicy: ['operator'],
  getTenantPolicy: ['viewer', 'support', 'operator'],
  putTenantPolicy: ['operator'],
  getVmPolicy: ['viewer', 'support', 'operator'],
  putVmPolicy: ['operator'],

  listNodes: ['viewer', 'support', 'operator'],
  getNode: ['viewer', 'support', 'operator'],
  drainNode: ['operator'],
  cancelDrain: ['operator'],

  listSessions: ['viewer', 'support'],
  getSession: ['viewer', 'support'],
  killSession: ['support'],
  messageSession: ['support'],
  why: ['support'],

  streamEvents: ['viewer', 'support'],

  listRevocations: ['viewer', 'support', 'operator', 'trust-admin'],
  revoke: ['support', 'operator', 'trust-admin'],

  listIssuers: ['viewer', 'support', 'trust-admin'],
  getPublisher: ['viewer', 'support', 'trust-admin'],
  rotateIssuer: ['trust-admin'],
  cancelRotation: ['trust-admin'],
  trustIssuer: ['trust-admin'],
  distrustIssuer: ['trust-admin'],
  acknowledgeVerifier: ['trust-admin'],
  forgetVerifier: ['trust-admin'],

  listKeys: ['viewer', 'support', 'trust-admin'],
  getKey: ['viewer', 'support', 'trust-admin'],
  createKey: ['trust-admin'],
  revokeKey: ['trust-admin'],
}

function inventory(all: string, one: string): Record<string, readonly Role[]> {
  return {
    [`list${all}`]: ['viewer', 'support', 'operator'],
    [`get${one}`]: ['viewer', 'support', 'operator'],
    [`put${one}`]: ['operator'],
    [`delete${one}`]: ['operator'],
  }
}

interface Operation {
  id: string
  method: 'get' | 'put' | 'post' | 'delete'
  path: string
}

let api: TestBroker
let operations: Operation[]

beforeAll(async () => {
  api = await createTestBroker()
  const { body } = await api.anonymous.get('/v1/openapi.json').expect(200)
  operations = Object.entries<Record<string, { operationId: string }>>(body.paths).flatMap(
    ([path, methods]) =>
      // The document's methods are those that the routes have.
      Object.entries(methods).map(([method, { operationId: id }]) => ({
        id,
        method: method as Operation['method'],
        path: path.replace('{id}', 'nothing-has-this-id'),
      })),
  )
})
afterAll(() => api.close())

/** Without a body: who may is told what is wrong with it, who may not is not even asked for one. */
async function statusFor({ method, path }: Operation, key?: string): Promise<number> {
  // Who may is told of an id that can't be, and gets no stream without end.
  const asked = api.anonymous[method](path).set('Last-Event-ID', 'none')
  return (await (key === undefined ? asked : asked.set('Authorization', `Bearer ${key}`))).status
}

/** 403 where the table has not this role, anything else where it has: the key or session itself is always known. */
function expectReach(role: Role, operation: Operation, status: number): void {
  const may = MAY[operation.id]
  const allowed = may === 'public' || may?.includes(role)
  expect({ ...operation, role, forbidden: status === 403 }).toEqual({
    ...{ ...operation, role },
    forbidden: !allowed,
  })
  expect(status, operation.id).not.toBe(401)
}

test('every route is in the table, and nothing else is', () => {
  expect(operations.map(({ id }) => id).toSorted()).toEqual(Object.keys(MAY).toSorted())
})

describe.each([...ROLES])('a key with the role %s', (role) => {
  test('gets as far as its role, on every route, and no further', async () => {
    const key = await api.addKey([role], role === 'portal' ? ['acme'] : [])
    for (const operation of operations) {
      expectReach(role, operation, await statusFor(operation, key.reveal()))
    }
  })
})

describe.each([...USER_ROLES])('a signed-in user with the role %s', (role) => {
  let browser: Browser

  beforeAll(async () => {
    browser = await browseWith(api, [role], `user-${role}`)
  })

  const ask = async ({ method, path }: Operation, origin?: string) =>
    browser(method, path, origin).set('Last-Event-ID', 'none')

  test('gets as far as its role, on every route, and no further', async () => {
    for (const operation of operations) {
      const { status } = await ask(operation)
      expectReach(role, operation, status)
    }
  })

  test.each([
    ['none', ''],
    ['another site', 'https://evil.example'],
    ['the same host in plain http', ORIGIN.replace('https', 'http')],
    ['null', 'null'],
  ])('changes nothing when the origin is %s', async (_, origin) => {
    for (const operation of operations) {
      const { status, body } = await ask(operation, origin)
      const isRefused = status === 403 && body.code === 'origin-refused'
      expect(isRefused, operation.id).toBe(operation.method !== 'get')
    }
  })
})

test("a tenant's user gets as far as a portal of its tenant", async () => {
  const browser = await browse(api)
  for (const operation of operations) {
    const { status } = await browser(operation.method, operation.path)
    const may = MAY[operation.id]
    const allowed = may === 'public' || may?.includes('portal')
    expect(status === 403, operation.id).toBe(!allowed)
  }
})

test('a user without tenant and roles may nothing', async () => {
  const browser = await browse(api, 'operator', 'battery staple')
  for (const operation of operations) {
    const { status } = await browser(operation.method, operation.path)
    expect(status === 403, operation.id).toBe(MAY[operation.id] !== 'public')
  }
})

test('without a key there is what is public', async () => {
  for (const operation of operations) {
    const status = await statusFor(operation)
    // One address may fail so often only, and then hears 429.
    const refused = status === 401 || status === 429
    expect(refused, operation.id).toBe(MAY[operation.id] !== 'public')
  }
})

test('the first key, and one that is seeded without roles, may do everything', async () => {
  for (const operation of operations) {
    expect(await statusFor(operation, api.key.reveal()), operation.id).not.toBe(403)
  }
})

test('a key with no role may nothing', async () => {
  const key = await api.addKey([])
  for (const operation of operations) {
    const isPublic = MAY[operation.id] === 'public'
    expect((await statusFor(operation, key.reveal())) === 403, operation.id).toBe(!isPublic)
  }
})

test('who may not is told which roles may, and the log names the key', async () => {
  const key = await api.addKey(['viewer'])
  const { body } = await api.anonymous
    .put('/v1/tenants/new')
    .set('Authorization', `Bearer ${key.reveal()}`)
    .send({ name: 'New' })
    .expect(403)
  expect(body).toMatchObject({
    code: 'forbidden',
    detail: 'This takes a key or a user with one of these roles: operator.',
  })
  expect(api.events('request.refused').at(-1)).toMatchObject({
    code: 'forbidden',
    askedBy: expect.stringMatching(/^key:key/),
    ref: body.ref,
  })
  expect(await api.store.tenants.get('new')).toBeUndefined()
})

describe('a key of a portal', () => {
  let portal: ReturnType<typeof as>

  function as(key: string) {
    const auth = `Bearer ${key}`
    return {
      open: (body: object) =>
        api.anonymous.post('/v1/consoles').set('Authorization', auth).send(body),
      read: (id: string) => api.anonymous.get(`/v1/consoles/${id}`).set('Authorization', auth),
    }
  }

  beforeAll(async () => {
    portal = as((await api.addKey(['portal'], ['acme'])).reveal())
  })

  test("opens and reads its own tenants' consoles", async () => {
    const opened = await portal.open({ vm: 'web', user: 'ann' }).expect(201)
    await portal.read(opened.body.id).expect(200)
  })

  test("takes a foreign tenant's machines and consoles for none", async () => {
    const foreign = await portal.open({ vm: 'mail' }).expect(404)
    const none = await portal.open({ vm: 'nothing' }).expect(404)
    const { ref: _, detail, ...answer } = foreign.body
    expect(none.body).toMatchObject({ ...answer, detail: detail.replace('mail', 'nothing') })
    await portal.open({ vm: 'mail', tenant: 'globex' }).expect(404)
    const opened = await api.post('/v1/consoles', { vm: 'mail' }).expect(201)
    await portal.read(opened.body.id).expect(404)
  })

  test('opens consoles of all tenants with another role that may', async () => {
    const both = as((await api.addKey(['portal', 'operator'], ['acme'])).reveal())
    await both.open({ vm: 'mail' }).expect(201)
  })

  test('another role that may only read does not widen what it opens', async () => {
    const both = as((await api.addKey(['portal', 'viewer'], ['acme'])).reveal())
    await both.open({ vm: 'mail' }).expect(404)
    const opened = await api.post('/v1/consoles', { vm: 'mail' }).expect(201)
    await both.read(opened.body.id).expect(200)
  })
})

describe('revocations', () => {
  const revoke = async (role: Role, body: object) =>
    api.anonymous
      .post('/v1/revocations')
      .set('Authorization', `Bearer ${(await api.addKey([role])).reveal()}`)
      .send(body)

  test('of issuers are for who answers for trust, and all others not', async () => {
    const issuer = { kind: 'issuer', value: 'A'.repeat(64) }
    const user = { kind: 'user', value: 'somebody' }
    expect((await revoke('operator', issuer)).status).toBe(403)
    expect((await revoke('support', issuer)).status).toBe(403)
    expect((await revoke('trust-admin', issuer)).status).toBe(201)
    expect((await revoke('support', user)).status).toBe(201)
    expect((await revoke('operator', user)).status).toBe(201)
    expect((await revoke('trust-admin', user)).status).toBe(403)
  })
})
