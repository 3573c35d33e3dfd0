import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Peer, Push } from '../../../src/control/index.ts'
import { Secret } from '../../../src/lib/index.ts'
import { createTestBroker, giveGuids, type TestBroker } from '../support.ts'

const GW1: Peer = { name: 'gw1', role: 'node' }

let api: TestBroker
let pushed: Push[]

beforeEach(async () => {
  api = await createTestBroker()
  pushed = []
  api.broker.control.subscribe((message) => pushed.push(message))
})
afterEach(() => api.close())

async function mint(vm: string) {
  const { body } = await api.post('/v1/consoles', { vm }).expect(201)
  const token = new Secret(body.gatewayToken)
  return (tunnel: string) =>
    api.broker.control.redeem(GW1, { token, tunnel, clientAddress: '192.0.2.7' })
}

const switchHost = (body: object, host = 'hv1') => api.put(`/v1/hosts/${host}/console`, body)

test('a host that is switched off opens nothing new, not even with a file that is out', async () => {
  const running = await mint('web')
  expect(await running('t1')).toEqual({ ok: true })
  const out = await mint('mail')
  const { body } = await switchHost({ allow: false }).expect(200)
  expect(body).toEqual({ host: 'hv1', allow: false, openSessions: 1, endedSessions: 0 })
  await api.post('/v1/consoles', { vm: 'web' }).expect(409)
  expect(await out('t2')).toEqual({ ok: false, reason: 'host-not-opted-in' })
  // Who is in may go on, and reconnect.
  expect(await running('t3')).toEqual({ ok: true })
  expect(pushed).toEqual([])
  const on = await switchHost({ allow: true }).expect(200)
  expect(on.body).toEqual({ host: 'hv1', allow: true, openSessions: 2, endedSessions: 0 })
  expect(await out('t2')).toEqual({ ok: true })
  expect(api.events('host.disabled')).toMatchObject([{ host: 'hv1', openSessions: 1 }])
  expect(api.events('host.enabled')).toMatchObject([{ host: 'hv1', askedBy: 'key:test' }])
})

test('the sessions of its machines end when that is asked for, and those of other hosts do not', async () => {
  await api.put('/v1/hosts/hv2', { kind: 'rdp', address: '2001:db8::1', console: { allow: true } })
  await api.put('/v1/vms/other', { name: 'Other', tenant: 'acme', host: 'hv2' })
  const [web, mail, other] = [await mint('web'), await mint('mail'), await mint('other')]
  await web('t1')
  await mail('t2')
  await other('t3')
  const { body } = await switchHost({ allow: false, endSessions: true }).expect(200)
  expect(body).toEqual({ host: 'hv1', allow: false, openSessions: 0, endedSessions: 2 })
  const kill = (tunnel: string) => ({
    type: 'addressed',
    to: GW1,
    message: { type: 'kill', by: { tunnel }, reason: 'killed' },
  })
  expect(new Set(pushed)).toEqual(new Set([kill('t1'), kill('t2')]))
  expect(await web('t4')).toEqual({ ok: false, reason: 'killed' })
  expect(await other('t5')).toEqual({ ok: true })
  expect(api.events('session.killed')).toHaveLength(2)
})

test('a session without a machine in its token is found by the address of its host', async () => {
  await api.close()
  api = await createTestBroker({ issuerKey: 'rsa-2048' })
  const other = { address: '192.0.2.10', identify: 'ipv6', names: { ipv6: '2001:db8::2' } }
  for (const of of [{ address: 'hv1.example.net' }, { address: '2001:db8::1' }, other]) {
    const { address } = of
    await giveGuids(api)
    await api.put('/v1/hosts/hv1', { kind: 'hyperv', console: { allow: true }, ...of }).expect(200)
    const asked = { vm: 'web', tokenFormat: 'fedauth' }
    const { body } = await api.post('/v1/consoles', asked).expect(201)
    const token = new Secret(body.gatewayToken)
    await api.broker.control.redeem(GW1, { token, tunnel: address, clientAddress: '192.0.2.7' })
    const listed = await api.get('/v1/sessions?host=hv1').expect(200)
    expect(listed.body.items.map(({ tunnel }: { tunnel: string }) => tunnel)).toEqual([address])
    const { body: ended } = await switchHost({ allow: false, endSessions: true }).expect(200)
    expect(ended.endedSessions).toBe(1)
    const listedAfter = await api.store.leases.list({ host: 'hv1' })
    for (const { tunnel } of listedAfter) {
      await api.broker.control.release(GW1, tunnel, 'killed')
    }
  }
})

test.each([
  ['allow', {}],
  ['endSessions', { allow: true, endSessions: true }],
  ['mode', { allow: true, mode: 'basic' }],
])('needs a valid %s: %j', async (field, body) => {
  const refused = await switchHost(body).expect(400)
  expect(refused.body).toMatchObject({ code: 'validation-failed', errors: [{ field }] })
})

test('a host that is not there is 404', async () => {
  await switchHost({ allow: true }, 'none').expect(404)
})

test('hosts and machines say what holds, and by what', async () => {
  const setting = async (path: string) => (await api.get(path).expect(200)).body.effectiveConsole
  expect(await setting('/v1/hosts/hv1')).toEqual({ allow: true, source: 'host:hv1' })
  expect(await setting('/v1/vms/web')).toEqual({ allow: true, source: 'host:hv1' })
  await api.put('/v1/policy/tenants/acme', { enforce: { allowConsole: false } })
  expect(await setting('/v1/hosts/hv1')).toEqual({ allow: true, source: 'host:hv1' })
  expect(await setting('/v1/vms/web')).toEqual({ allow: false, source: 'tenant:acme' })
  const { body } = await api.get('/v1/vms').expect(200)
  expect(body.items).toMatchObject([
    { id: 'mail', effectiveConsole: { allow: true, source: 'host:hv1' } },
    { id: 'web', effectiveConsole: { allow: false, source: 'tenant:acme' } },
  ])
  await api.put('/v1/policy/provider', { enforce: { allowConsole: false } })
  expect(await setting('/v1/hosts/hv1')).toEqual({ allow: false, source: 'provider' })
  await switchHost({ allow: false }).expect(200)
  expect(await setting('/v1/hosts/hv1')).toEqual({ allow: false, source: 'host:hv1' })
  expect(await setting('/v1/vms/web')).toEqual({ allow: false, source: 'host:hv1' })
})
