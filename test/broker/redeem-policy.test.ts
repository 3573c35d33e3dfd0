import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Peer } from '../../src/control/index.ts'
import { Secret } from '../../src/lib/index.ts'
import { createTestBroker, giveGuids, NOW_MS, type TestBroker, WEB_GUID } from './support.ts'

const GW1: Peer = { name: 'gw1', role: 'node' }

let api: TestBroker

beforeEach(async () => {
  api = await createTestBroker()
})
afterEach(() => api.close())

interface Present {
  tunnel?: string
  clientAddress?: string
  decidedAt?: number
}

/** A new console of the machine, and a way to present its token. */
async function open(vm = 'web', wanted: object = {}) {
  const { body } = await api.post('/v1/consoles', { vm, ...wanted }).expect(201)
  const token = new Secret(body.gatewayToken)
  return ({ tunnel = 't1', clientAddress = '192.0.2.7', ...rest }: Present = {}) =>
    api.broker.control.redeem(GW1, { token, tunnel, clientAddress, ...rest })
}

const HV1 = { kind: 'rdp', address: '192.0.2.10', console: { allow: true } }

const ended = (tunnel: string) => api.broker.control.release(GW1, tunnel, 'client-closed')

test('the consent text goes to the node of every session, as it is then', async () => {
  const present = await open()
  expect(await present()).toEqual({ ok: true })
  await api.put('/v1/policy/tenants/acme', { default: { consentText: 'Be good.\nAlways.' } })
  expect(await present({ tunnel: 't2' })).toEqual({ ok: true, consentText: 'Be good.\nAlways.' })
  const elsewhere = await open('mail')
  expect(await elsewhere({ tunnel: 't3' })).toEqual({ ok: true })
  await api.put('/v1/policy/vms/web', { default: { consentText: '' } })
  const again = await open()
  expect(await again({ tunnel: 't4' })).toEqual({ ok: true })
})

test('the node of a session that is back hears how much of its limit is over', async () => {
  await api.put('/v1/policy/vms/web', { enforce: { sessionLimitSeconds: 3_600 } }).expect(201)
  const limited = await open()
  expect(await limited()).toEqual({ ok: true })
  await ended('t1')
  api.clock.advance(30_000)
  expect(await limited({ tunnel: 't2' })).toEqual({ ok: true, sessionAgeSeconds: 30 })
})

async function useFedAuth() {
  await api.close()
  api = await createTestBroker({ issuerKey: 'rsa-2048' })
  await giveGuids(api)
  await api.put('/v1/hosts/hv1', { ...HV1, kind: 'hyperv' }).expect(200)
}

test.each([
  ['user', { kind: 'user', value: 'ann' }],
  ['tenant', { kind: 'tenant', value: 'acme' }],
  ['vm', { kind: 'vm', value: 'web' }],
])("a FedAuth token is its %s's, though it says nothing of that", async (_, revocation) => {
  await useFedAuth()
  const wanted = { tokenFormat: 'fedauth', user: 'ann' }
  const [first, second] = [await open('web', wanted), await open('web', wanted)]
  expect(await first()).toEqual({ ok: true })
  const { body } = await api.get('/v1/sessions').expect(200)
  expect(body.items).toMatchObject([{ vm: 'web', tenant: 'acme', user: 'ann' }])
  await api.post('/v1/revocations', revocation).expect(201)
  expect(await second({ tunnel: 't2' })).toEqual({ ok: false, reason: 'token-revoked' })
  api.clock.advance(1_000)
  const later = await open('web', wanted)
  expect(await later({ tunnel: 't3' })).toEqual({ ok: true })
})

test('who presents a FedAuth token agrees to the text of the machine it was minted for', async () => {
  await useFedAuth()
  await api.put('/v1/policy/vms/web', { enforce: { consentText: 'Be good.' } })
  const present = await open('web', { tokenFormat: 'fedauth' })
  expect(await present()).toEqual({ ok: true, consentText: 'Be good.' })
})

test.each([
  ['address', '192.0.2.7', true],
  ['address', '192.0.2.8', false],
  ['prefix', '192.0.2.8', true],
  ['prefix', '198.51.100.7', false],
  ['none', '198.51.100.7', true],
])(
  'bound by %s, a client that is at %s the next time: %s',
  async (clientBinding, next, admitted) => {
    await api.put('/v1/policy/tenants/acme', { enforce: { clientBinding } })
    const present = await open()
    expect(await present()).toEqual({ ok: true })
    expect(await present({ tunnel: 't2', clientAddress: next })).toEqual(
      admitted ? { ok: true } : { ok: false, reason: 'client-mismatch' },
    )
  },
)

test('a token keeps the binding of its first redeem', async () => {
  const bind = (clientBinding: string) =>
    api.put('/v1/policy/provider', { enforce: { clientBinding } })
  await bind('prefix')
  const present = await open()
  await present()
  await bind('address')
  expect(await present({ tunnel: 't2', clientAddress: '192.0.2.8' })).toEqual({ ok: true })
  await ended('t2')
  await bind('none')
  expect(await present({ tunnel: 't3' })).toEqual({ ok: true })
  const elsewhere = await present({ tunnel: 't4', clientAddress: '198.51.100.7' })
  expect(elsewhere).toEqual({ ok: false, reason: 'client-mismatch' })
})

const allowOneSession = () => api.put('/v1/policy/tenants/acme', { enforce: { maxSessions: 1 } })

test.each([
  ['native', 'before'],
  ['native', 'after'],
  ['fedauth', 'before'],
  ['fedauth', 'after'],
])(
  '%s tokens open as many sessions as policy allows, said %s they are minted',
  async (tokenFormat, when) => {
    await useFedAuth()
    if (when === 'before') await allowOneSession().expect(201)
    const [first, second] = [await open('web', { tokenFormat }), await open('web', { tokenFormat })]
    if (when === 'after') await allowOneSession().expect(201)
    expect(await first()).toEqual({ ok: true })
    expect(await second({ tunnel: 't2' })).toEqual({ ok: false, reason: 'limit-reached' })
    const { body } = await api.post('/v1/consoles', { vm: 'web', tokenFormat }).expect(409)
    expect(body.code).toBe('limit-reached')
    await ended('t1')
    expect(await second({ tunnel: 't2' })).toEqual({ ok: true })
  },
)

test('a machine has no more sessions than policy allows, however many tokens are out', async () => {
  await allowOneSession()
  const [first, second] = [await open(), await open()]
  expect(await first()).toEqual({ ok: true })
  expect(await second({ tunnel: 't2' })).toEqual({ ok: false, reason: 'limit-reached' })
  // A second tunnel of the same client is the same session, and a machine of another tenant another matter.
  expect(await first({ tunnel: 't3' })).toEqual({ ok: true })
  const elsewhere = await open('mail')
  expect(await elsewhere({ tunnel: 't4' })).toEqual({ ok: true })
  await ended('t1')
  await ended('t3')
  expect(await second({ tunnel: 't2' })).toEqual({ ok: true })
  expect(await first({ tunnel: 't5' })).toEqual({ ok: false, reason: 'limit-reached' })
})

test('of many at the same moment as many get in as policy allows', async () => {
  await api.put('/v1/policy/vms/web', { enforce: { maxSessions: 3 } })
  const tokens = []
  for (let count = 0; count < 10; count += 1) tokens.push(await open())
  const answers = await Promise.all(tokens.map((present, n) => present({ tunnel: `t${n}` })))
  expect(answers.filter(({ ok }) => ok)).toHaveLength(3)
})

test('who is already in, since no broker answered, is not put out for a limit', async () => {
  await api.put('/v1/policy/vms/web', { enforce: { maxSessions: 1, consentText: 'Be good.' } })
  const [first, second] = [await open(), await open()]
  await first()
  api.clock.advance(5_000)
  const late = await second({ tunnel: 't2', decidedAt: NOW_MS + 1_000 })
  expect(late).toMatchObject({ ok: true })
})

test('while a machine has all its sessions the API gives no file, and says why', async () => {
  await api.put('/v1/policy/vms/web', { enforce: { maxSessions: 1 } })
  const present = await open()
  await present()
  const { body } = await api.post('/v1/consoles', { vm: 'web' }).expect(409)
  expect(body).toMatchObject({
    code: 'limit-reached',
    detail: 'maxSessions: this machine has 1 open, may have 1 by vm:web.',
  })
  await ended('t1')
  await api.post('/v1/consoles', { vm: 'web' }).expect(201)
})

test('a console that policy has switched off opens with no file that is out, and who is in stays', async () => {
  const [first, second] = [await open(), await open()]
  expect(await first()).toEqual({ ok: true })
  await api.put('/v1/policy/tenants/acme', { enforce: { allowConsole: false } })
  expect(await second({ tunnel: 't2' })).toEqual({ ok: false, reason: 'policy-denied' })
  expect(await first({ tunnel: 't3' })).toEqual({ ok: true })
})

test("a machine that is another tenant's by now opens with none of the files of its last one", async () => {
  const present = await open()
  await api.put('/v1/vms/web', { name: 'Web 1', tenant: 'globex', host: 'hv1' }).expect(200)
  expect(await present()).toEqual({ ok: false, reason: 'vm-unknown' })
})

test('a machine that was deleted opens with none of its files, and who is in stays', async () => {
  const [first, second] = [await open(), await open()]
  expect(await first()).toEqual({ ok: true })
  await api.delete('/v1/vms/web').expect(204)
  expect(await second({ tunnel: 't2' })).toEqual({ ok: false, reason: 'vm-unknown' })
  expect(await first({ tunnel: 't3' })).toEqual({ ok: true })
  expect(api.events('token.refused')).toMatchObject([{ error: 'vm: the machine was deleted' }])
})

test.each<[what: string, change: () => Promise<unknown>]>([
  [
    'is on another host by now',
    async () => {
      await api.put('/v1/hosts/hv2', { ...HV1, address: '192.0.2.11' }).expect(201)
      await api.put('/v1/vms/web', { name: 'Web 1', tenant: 'acme', host: 'hv2' }).expect(200)
    },
  ],
  [
    'has another port by now',
    () => api.put('/v1/vms/web', { name: 'Web 1', tenant: 'acme', host: 'hv1', port: 3390 }),
  ],
  [
    'is on a host with another address by now',
    () => api.put('/v1/hosts/hv1', { ...HV1, address: '192.0.2.12' }),
  ],
  [
    'is on a host of another kind by now',
    () => api.put('/v1/hosts/hv1', { ...HV1, kind: 'vnc', port: 3389 }),
  ],
])('a machine that %s opens with none of the files from before', async (_, change) => {
  const present = await open()
  await change()
  expect(await present()).toEqual({ ok: false, reason: 'target-mismatch' })
})

test('what was changed and is as it was opens again, and so does a new file', async () => {
  const present = await open()
  const rename = (address: string) => api.put('/v1/hosts/hv1', { ...HV1, address }).expect(200)
  await rename('192.0.2.12')
  await rename('192.0.2.10')
  expect(await present()).toEqual({ ok: true })
  await rename('192.0.2.12')
  const anew = await open()
  expect(await anew({ tunnel: 't2' })).toEqual({ ok: true })
})

test.each([['hyperv'], ['agent']])(
  'a machine on a %s host that has another GUID by now opens with none of the files from before',
  async (kind) => {
    await giveGuids(api)
    await api.put('/v1/hosts/hv1', { ...HV1, kind }).expect(200)
    const [first, second] = [await open(), await open()]
    expect(await first()).toEqual({ ok: true })
    await giveGuids(api, WEB_GUID.replace('3f', '4f'))
    expect(await second({ tunnel: 't2' })).toEqual({ ok: false, reason: 'target-mismatch' })
  },
)

test('a token that was not minted here may name any machine, and its word counts', async () => {
  const iat = NOW_MS / 1000
  const mint = (change: object) =>
    api.issuer.sign({
      ...{ iss: 'other', aud: 'demo', jti: `j${Math.random()}`, iat, nbf: iat, exp: iat + 60 },
      ...{ tid: 'acme', sub: 'ann', vm: 'web', knd: 'rdp', dst: '198.51.100.1:3389', ...change },
    })
  const request = { tunnel: 't1', clientAddress: '192.0.2.7' }
  for (const [index, change] of [{}, { vm: 'none' }].entries()) {
    const token = await mint(change)
    const redeemed = await api.broker.control.redeem(GW1, {
      ...{ ...request, tunnel: `t${index}`, token },
    })
    expect(redeemed).toEqual({ ok: true })
  }
})

test('a machine that is where it was costs no look at its grant', async () => {
  const present = await open()
  const findByJti = vi.spyOn(api.store.grants, 'findByJti')
  expect(await present()).toEqual({ ok: true })
  expect(findByJti).not.toHaveBeenCalled()
})
