import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { BrokerError, Secret } from '../../src/lib/index.ts'
import { createTrustList, type Issuer, verifyGatewayToken } from '../../src/tokens/index.ts'
import { createTestBroker, makeIssuer, NOW_MS, type TestBroker } from './support.ts'

const DAY_MS = 24 * 60 * 60_000
const FILES = { certificateFile: 'next.crt', privateKeyFile: 'next.key' }

let api: TestBroker
let next: Issuer
let keys: Map<string, Issuer>

beforeEach(async () => {
  next = await makeIssuer('Next issuer')
  keys = new Map([['next.crt', next]])
  api = await createTestBroker({ loadIssuer: async ({ certificateFile }) => load(certificateFile) })
})
afterEach(() => api.close())

function load(name: string): Issuer {
  const issuer = keys.get(name)
  if (issuer === undefined) throw new BrokerError('ERR_USAGE', `${name}: no such file`)
  return issuer
}

const rotate = (body: object = {}) => api.post('/v1/issuers/rotation', body)
const applied = (name: string, version: number) =>
  api.broker.control.applied({ name, role: 'node' }, 'trust', version)
const thumbprintOf = ({ certificate }: Issuer) => certificate.sha256Thumbprint
const uses = async () => {
  const { body } = await api.get('/v1/issuers').expect(200)
  const items: Array<{ sha256Thumbprint: string; use: string }> = body.items
  return Object.fromEntries(items.map(({ sha256Thumbprint, use }) => [sha256Thumbprint, use]))
}

/** By what a freshly minted token is signed. */
async function signer(): Promise<string> {
  const { body } = await api.post('/v1/consoles', { vm: 'web' }).expect(201)
  const entries = [api.issuer, next].map(({ certificate }) => ({
    certificate,
    purpose: 'gateway' as const,
  }))
  const { issuerThumbprint } = await verifyGatewayToken(new Secret(body.gatewayToken), {
    trust: createTrustList(entries, NOW_MS),
    nowMs: NOW_MS,
    audience: 'demo',
  })
  return issuerThumbprint
}

test('publishes, waits for every verifier, names who lags, and switches', async () => {
  await applied('gw1', 1)
  await applied('gw2', 1)
  const waiting = await rotate(FILES).expect(200)
  expect(waiting.body).toMatchObject({
    step: 'waiting',
    signing: thumbprintOf(api.issuer),
    next: thumbprintOf(next),
    needsVersion: 2,
    lagging: [{ name: 'gw1' }, { name: 'gw2', trustVersion: 1 }],
  })
  expect(await uses()).toEqual({
    [thumbprintOf(api.issuer)]: 'primary',
    [thumbprintOf(next)]: 'next',
  })
  expect(await signer()).toBe(thumbprintOf(api.issuer))

  await applied('gw1', 2)
  expect((await rotate().expect(200)).body.lagging).toMatchObject([{ name: 'gw2' }])
  await applied('gw2', 2)
  expect((await rotate().expect(200)).body).toMatchObject({
    step: 'done',
    signing: thumbprintOf(next),
  })
  expect(await signer()).toBe(thumbprintOf(next))
  expect(await uses()).toEqual({
    [thumbprintOf(api.issuer)]: 'retiring',
    [thumbprintOf(next)]: 'primary',
  })
  const { body } = await api.get('/v1/issuers')
  const old = body.items.find(({ use }: { use: string }) => use === 'retiring')
  const certificateEnd = api.issuer.certificate.notAfter.getTime()
  expect(Date.parse(old.notAfter)).toBe(Math.min(certificateEnd, NOW_MS + 30 * DAY_MS))
  expect(api.events('issuer.rotated')).toMatchObject([
    { from: thumbprintOf(api.issuer), to: thumbprintOf(next), without: [], askedBy: 'key:test' },
  ])
})

test('asked again when it is done, it is done', async () => {
  await rotate(FILES).expect(200)
  expect((await rotate(FILES).expect(200)).body.step).toBe('done')
  expect(api.events('issuer.rotated')).toHaveLength(1)
  await rotate().expect(409)
})

test('goes on without a verifier only when it is named, and says so', async () => {
  await applied('gw1', 1)
  await rotate(FILES).expect(200)
  expect((await rotate({ without: ['gw2'] }).expect(200)).body.step).toBe('waiting')
  expect((await rotate({ without: ['gw1'] }).expect(200)).body.step).toBe('done')
  expect(api.events('issuer.rotated')).toMatchObject([{ without: ['gw1'] }])
})

test('waits for external verifiers until an operator has acknowledged, or forgets them', async () => {
  await api.put('/v1/issuers/verifiers/rdgw-1', {}).expect(200)
  await api.put('/v1/issuers/verifiers/rdgw-2', { trustVersion: 0 }).expect(200)
  const names = async () =>
    (await rotate(FILES).expect(200)).body.lagging.map(({ name }: { name: string }) => name)
  expect(await names()).toEqual(['rdgw-1', 'rdgw-2'])
  await api.put('/v1/issuers/verifiers/rdgw-1', {}).expect(200)
  expect(await names()).toEqual(['rdgw-2'])
  await api.put('/v1/issuers/verifiers/rdgw-2', { trustVersion: 99 }).expect(400)
  await api.delete('/v1/issuers/verifiers/rdgw-2').expect(204)
  await api.delete('/v1/issuers/verifiers/rdgw-2').expect(404)
  expect(await names()).toEqual([])
})

test.each([
  ['waiting', ['gw1']],
  ['done', []],
])('a broker that starts again after step %s goes on from there', async (step, nodes) => {
  for (const node of nodes) await applied(node, 1)
  expect((await rotate(FILES)).body.step).toBe(step)
  await api.restart()
  expect(await signer()).toBe(thumbprintOf(step === 'done' ? next : api.issuer))
  for (const node of nodes) await applied(node, 2)
  expect((await rotate(FILES).expect(200)).body.step).toBe('done')
  expect(await signer()).toBe(thumbprintOf(next))
})

test('a switch that was stored, but whose answer was lost, is caught up with', async () => {
  await applied('gw1', 1)
  await rotate(FILES).expect(200)
  await applied('gw1', 2)
  const { trust } = api.store
  const change = vi.spyOn(trust, 'change').mockImplementationOnce(async (update) => {
    change.mockRestore()
    await trust.change(update)
    throw new BrokerError('ERR_STORE', 'store: connection lost')
  })
  await rotate().expect(503)
  expect(await signer()).toBe(thumbprintOf(api.issuer))
  expect((await rotate(FILES).expect(200)).body.step).toBe('done')
  expect(await signer()).toBe(thumbprintOf(next))
})

test('a publication that failed is made again', async () => {
  const change = vi.spyOn(api.store.trust, 'change')
  change.mockRejectedValueOnce(new BrokerError('ERR_STORE', 'store: disk full'))
  await rotate(FILES).expect(503)
  expect((await api.store.trust.get()).version).toBe(1)
  expect((await rotate(FILES).expect(200)).body.step).toBe('done')
})

test('a node that lags is given the set again with its next heartbeat', async () => {
  await applied('gw1', 1)
  await rotate(FILES)
  const versions: number[] = []
  api.broker.control.subscribe((push) => {
    if (push.type !== 'addressed' || push.to.name !== 'gw1') return
    if (push.message.type === 'trust') versions.push(push.message.version)
  })
  const beat = { time: NOW_MS, revocationVersion: 0, tunnels: [] }
  const gw1 = { name: 'gw1', role: 'node' } as const
  await api.broker.control.heartbeat(gw1, { ...beat, trustVersion: 1 })
  await api.broker.control.heartbeat(gw1, { ...beat, trustVersion: 2 })
  expect(versions).toEqual([2])
})

test('a key that is gone stops the rotation, not the minting', async () => {
  await applied('gw1', 1)
  await rotate(FILES).expect(200)
  keys.clear()
  await applied('gw1', 2)
  const { body } = await rotate().expect(400)
  expect(body.errors[0].message).toContain('no such file')
  expect(await signer()).toBe(thumbprintOf(api.issuer))
  keys.set('next.crt', await makeIssuer('Another issuer'))
  await rotate().expect(400)
  keys.set('next.crt', next)
  expect((await rotate().expect(200)).body.step).toBe('done')
})

test('refuses what cannot be next', async () => {
  await rotate().expect(409)
  await rotate({ ...FILES, certificateFile: '../next.crt' }).expect(400)
  await rotate({ certificateFile: 'next.crt' }).expect(400)
  await rotate({ ...FILES, thumbprint: 'A'.repeat(64) }).expect(400)
  await rotate({ ...FILES, certificateFile: 'missing.crt' }).expect(400)
  await rotate({ ...FILES, overlapDays: 0 }).expect(400)
  expect((await api.store.trust.get()).version).toBe(1)
})

test('one rotation at a time; it can be cancelled before the switch', async () => {
  await applied('gw1', 1)
  await rotate(FILES).expect(200)
  keys.set('other.crt', await makeIssuer('Other issuer'))
  await rotate({ ...FILES, certificateFile: 'other.crt' }).expect(409)
  await api.delete(`/v1/issuers/${thumbprintOf(next)}`).expect(409)
  await api.delete('/v1/issuers/rotation').expect(204)
  await api.delete('/v1/issuers/rotation').expect(409)
  expect(await uses()).toEqual({ [thumbprintOf(api.issuer)]: 'primary' })
})

test('an issuer of somebody else is trusted and distrusted', async () => {
  const { certificate } = await makeIssuer('VMM')
  const path = `/v1/issuers/${certificate.sha256Thumbprint}`
  const body = { certificatePem: certificate.pem, purposes: ['gateway'] }
  await api.put(path, body).expect(200)
  expect(await uses()).toMatchObject({ [certificate.sha256Thumbprint]: 'trusted' })
  expect((await api.broker.control.trustSet()).issuers).toHaveLength(3)
  await api.put(`/v1/issuers/${'A'.repeat(64)}`, body).expect(400)
  await api.put(path, { ...body, certificatePem: 'nothing' }).expect(400)
  await api.put(path, { ...body, notAfter: '2029-01-01T00:00:00Z' }).expect(400)
  await api.delete(path).expect(204)
  await api.delete(path).expect(404)
  await api.delete(`/v1/issuers/${thumbprintOf(api.issuer)}`).expect(409)
})

test('a configuration that names a new issuer is the word of the operator', async () => {
  await api.restart({ issuer: next })
  expect(await signer()).toBe(thumbprintOf(next))
  expect(await uses()).toEqual({
    [thumbprintOf(api.issuer)]: 'retiring',
    [thumbprintOf(next)]: 'primary',
  })
  expect(api.events('issuer.rotated')).toMatchObject([{ by: 'configuration' }])
})
