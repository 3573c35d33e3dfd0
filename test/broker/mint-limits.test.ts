import { decodeJwt } from 'jose'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { signIn } from './portal-sign-in.ts'
import { createTestBroker, type TestBroker } from './support.ts'

let api: TestBroker

beforeEach(async () => {
  api = await createTestBroker()
})
afterEach(() => api.close())

const open = (user?: string, vm = 'web') =>
  api.post('/v1/consoles', { vm, ...(user === undefined ? {} : { user }) })

async function openMany(count: number, user?: string, vm?: string): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: count }, () => open(user, vm)))
  return answers.map(({ status }) => status)
}

test('a user opens 30 consoles in a minute, and is told when to come back', async () => {
  await api.restart({ minting: { openPerUser: 1_000 } })
  expect(new Set(await openMany(30, 'ann'))).toEqual(new Set([201]))
  const { body, headers } = await open('ann').expect(429)
  expect(body).toMatchObject({
    code: 'rate-limited',
    detail: 'Too many consoles at once: this user may open 30 in a minute.',
  })
  expect(Number(headers['retry-after'])).toBeGreaterThan(0)
  expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60)
  expect(api.events('console.refused')).toMatchObject([{ code: 'rate-limited', level: 'debug' }])
  // Somebody else, and somebody of that name at another tenant.
  await open('bob').expect(201)
  await open('ann', 'mail').expect(201)
})

test('what a tenant may open is shared by its users and keys, and not by other tenants', async () => {
  await api.restart({ minting: { tenantPerMinute: 3 } })
  await open('ann').expect(201)
  await open('bob').expect(201)
  await open().expect(201)
  const { body } = await open('carl').expect(429)
  expect(body.detail).toBe('Too many consoles at once: this tenant may open 3 in a minute.')
  await open().expect(429)
  await open('ann', 'mail').expect(201)
})

test('a tenant opens 300 in a minute unless the configuration says otherwise', async () => {
  const statuses = await openMany(301)
  expect(statuses.filter((status) => status === 201)).toHaveLength(300)
  expect(statuses.filter((status) => status === 429)).toHaveLength(1)
})

test('a user has 20 files that can be opened, however many are asked for at once', async () => {
  const statuses = await openMany(25, 'ann')
  expect(statuses.filter((status) => status === 201)).toHaveLength(20)
  const { body, headers } = await open('ann').expect(429)
  expect(body.detail).toMatch(
    /^This user has 20 files that can still be opened, and may have 20: the next at \d\d:\d\d:\d\d UTC, or when one is revoked\.$/,
  )
  expect(headers['retry-after']).toBe('60')
})

test('of many that are asked for in the same moment, as many as there is room for are given', async () => {
  await api.restart({ minting: { openPerUser: 3 } })
  const { services } = api.broker
  const { session } = await signIn(services)
  const click = () => services.openConsole(session, { vm: 'web', clientAddress: '192.0.2.7' })
  await click()
  const results = await Promise.all([click(), click(), click(), click(), click()])
  expect(results.map(({ ok }) => ok)).toEqual([true, true, false, false, false])
})

test('a file that has expired, or is revoked, makes room for another', async () => {
  await api.restart({ minting: { openPerUser: 2 } })
  const first = await open('ann').expect(201)
  api.clock.advance(20_000)
  await open('ann').expect(201)
  const refused = await open('ann').expect(429)
  expect(refused.headers['retry-after']).toBe('40')
  await api.delete(`/v1/consoles/${first.body.id}`).expect(204)
  await open('ann').expect(201)
  await open('ann').expect(429)
  api.clock.advance(40_000)
  await open('ann').expect(429)
  api.clock.advance(20_000)
  await open('ann').expect(201)
})

test.each(['user', 'tenant', 'vm'])('what a revocation by %s has hit makes room', async (kind) => {
  await api.restart({ minting: { openPerUser: 2 } })
  await open('ann').expect(201)
  await open('ann').expect(201)
  await open('ann').expect(429)
  const value = { user: 'ann', tenant: 'acme', vm: 'web' }[kind]
  await api.post('/v1/revocations', { kind, value }).expect(201)
  // A token of the revocation's own second is hit, what is minted later is not.
  api.clock.advance(1_000)
  await open('ann').expect(201)
  await open('ann').expect(201)
  const { headers } = await open('ann').expect(429)
  expect(headers['retry-after']).toBe('60')
})

test('a file that is revoked by its jti makes room', async () => {
  await api.restart({ minting: { openPerUser: 1 } })
  const { body } = await open('ann').expect(201)
  const { jti } = decodeJwt(body.gatewayToken)
  await api.post('/v1/revocations', { kind: 'jti', value: jti }).expect(201)
  await open('ann').expect(201)
  await open('ann').expect(429)
})

test('what is refused opens nothing, and counts for no minute', async () => {
  await api.restart({ minting: { openPerUser: 1, userPerMinute: 3, tenantPerMinute: 3 } })
  await open('ann').expect(201)
  for (let attempt = 0; attempt < 6; attempt += 1) {
    const { body } = await open('ann').expect(429)
    expect(body.detail).toMatch(/^This user has 1 file that/)
  }
  api.clock.advance(60_000)
  await open('ann').expect(201)
  await open('bob').expect(201)
  await open('carl').expect(429)
})

test('a mint that fails takes no place', async () => {
  await api.restart({ minting: { openPerUser: 1, userPerMinute: 5 } })
  for (let attempt = 0; attempt < 6; attempt += 1) await open('ann', 'nothing').expect(404)
  await open('ann').expect(201)
})

test('a key that names no user counts for its tenant only', async () => {
  expect(new Set(await openMany(40))).toEqual(new Set([201]))
})

test("the portal's users are counted as well", async () => {
  await api.restart({ minting: { openPerUser: 1 } })
  const { services } = api.broker
  const { session } = await signIn(services)
  const click = () => services.openConsole(session, { vm: 'web', clientAddress: '192.0.2.7' })
  expect(await click()).toMatchObject({ ok: true })
  expect(await click()).toMatchObject({
    ...{ ok: false, status: 429, code: 'rate-limited' },
    ...{ retryAfterSeconds: 120, openFiles: 1 },
  })
})
