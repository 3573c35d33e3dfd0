import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Peer } from '../../src/control/index.ts'
import { BrokerError, Secret } from '../../src/lib/index.ts'
import type { PolicyScope } from '../../src/store/index.ts'
import { createTestBroker, giveGuids, NOW_MS, type TestBroker } from './support.ts'

const GW1: Peer = { name: 'gw1', role: 'node' }

let api: TestBroker

beforeEach(async () => {
  api = await createTestBroker()
})
afterEach(() => api.close())

async function mint(vm = 'web') {
  const { body } = await api.post('/v1/consoles', { vm }).expect(201)
  return new Secret(body.gatewayToken)
}

const redeem = (token: Secret, tunnel: string) =>
  api.broker.control.redeem(GW1, { token, tunnel, clientAddress: '192.0.2.7' })

const damage = (scope: PolicyScope, body = '{"enforce":{"allowCons') =>
  api.store.policies.put(scope, body, NOW_MS)

test.each<[string, PolicyScope, string, string]>([
  ['cut off', 'vm:web', '{"enforce":{"allowCons', 'Unterminated string in JSON'],
  ['of a newer version', 'tenant:acme', '{"enforce":{"allowTea":true}}', 'allowTea: unknown'],
  ['out of bounds', 'provider', '{"default":{"maxSessions":-1}}', 'default: maxSessions: need'],
])('a layer that is %s opens no new console, and who is in stays', async (_, scope, body, why) => {
  const [first, second] = [await mint(), await mint()]
  expect(await redeem(first, 't1')).toEqual({ ok: true })
  await damage(scope, body)
  // A plain refusal: of a broker that fails a node would think that none is there, and decide alone.
  expect(await redeem(second, 't2')).toEqual({ ok: false, reason: 'policy-denied' })
  expect(await redeem(first, 't3')).toEqual({ ok: true })
  const error = `policy: the layer of ${scope} cannot be read, so no console opens`
  expect(api.events('token.refused')).toMatchObject([{ reason: 'policy-denied', error }])
  const { body: problem } = await api.post('/v1/consoles', { vm: 'web' }).expect(422)
  expect(problem).toMatchObject({ code: 'policy-denied', detail: `${error}.` })
  expect(api.events('policy.unreadable')).toMatchObject([
    { level: 'error', scope, error: expect.stringContaining(why) },
  ])
})

test('a store that fails is a broker that is away, and the node decides', async () => {
  const token = await mint()
  const failure = new BrokerError('ERR_STORE', 'store: disk I/O error')
  vi.spyOn(api.store.policies, 'listFor').mockRejectedValue(failure)
  await expect(redeem(token, 't1')).rejects.toThrow(failure)
})

test('the other machines of the tenant open, and the portal shows all of them', async () => {
  await damage('vm:web')
  await api.put('/v1/vms/web2', { name: 'Web 2', tenant: 'acme', host: 'hv1' }).expect(201)
  expect(await redeem(await mint('web2'), 't1')).toEqual({ ok: true })
  const tenant = { id: 'acme', name: 'Acme' }
  const session = { user: 'ann', tenant, roles: [], csrfToken: '', expiresAt: new Date(NOW_MS) }
  expect(await api.broker.services.listVms(session)).toMatchObject([
    { id: 'web', consoleAvailable: false, unavailableReason: 'policy-denied' },
    { id: 'web2', consoleAvailable: true },
  ])
})

test('a host agent opens nothing by a policy that cannot be read either', async () => {
  await giveGuids(api)
  const host = { kind: 'agent', address: '192.0.2.10', console: { allow: true } }
  await api.put('/v1/hosts/hv1', host).expect(200)
  const { body } = await api.post('/v1/consoles', { vm: 'web' }).expect(201)
  await damage('vm:web')
  const answer = await api.broker.control.redeem(
    { name: 'hv1', role: 'agent' },
    { token: new Secret(body.hostToken), tunnel: 't1', clientAddress: '192.0.2.7' },
  )
  expect(answer).toEqual({ ok: false, reason: 'policy-denied' })
})

test('whoever looks is told which layer it is, and mends it by putting it anew', async () => {
  await damage('vm:web')
  const { body: layer } = await api.get('/v1/policy/vms/web').expect(409)
  expect(layer.detail).toMatch(/^What is stored for vm:web cannot be read: /)
  const { body } = await api.get('/v1/policy/effective?vm=web').expect(200)
  const off = { value: false, source: 'vm:web', locked: true, unreadable: true }
  expect(body.values.allowConsole).toEqual(off)
  await api.put('/v1/policy/vms/web', { default: { idleLimitMinutes: 5 } }).expect(200)
  expect(await redeem(await mint(), 't1')).toEqual({ ok: true })
})

test('one and the same damage is told once, and again when it comes back', async () => {
  const look = () => api.get('/v1/policy/effective?vm=web').expect(200)
  await damage('vm:web')
  await look()
  await look()
  expect(api.events('policy.unreadable')).toHaveLength(1)
  await api.put('/v1/policy/vms/web', {}).expect(200)
  await look()
  await damage('vm:web')
  await look()
  expect(api.events('policy.unreadable')).toHaveLength(2)
})
