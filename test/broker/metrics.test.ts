import { afterEach, beforeEach, expect, test } from 'vitest'
import { Secret } from '../../src/lib/index.ts'
import { createTestBroker, type TestBroker } from './support.ts'

let api: TestBroker

beforeEach(async () => {
  api = await createTestBroker()
})
afterEach(() => api.close())

test('metrics need a key', async () => {
  await api.anonymous.get('/metrics').expect(401)
  const { headers } = await api.get('/metrics').expect(200)
  expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
})

test('counts mints, refusals, redeems and nodes', async () => {
  const { body } = await api.post('/v1/consoles', { vm: 'web' }).expect(201)
  await api.post('/v1/consoles', { vm: 'nothing' }).expect(404)
  const peer = { name: 'gw1', role: 'node' } as const
  const request = { token: new Secret(body.gatewayToken), tunnel: 't1', clientAddress: '192.0.2.7' }
  await api.broker.control.redeem(peer, request)
  await api.broker.control.redeem(peer, { ...request, tunnel: 't2', clientAddress: '192.0.2.8' })
  await api.broker.control.heartbeat(peer, {
    trustVersion: 1,
    revocationVersion: 0,
    tunnels: ['t1'],
    time: api.clock.now(),
  })
  const { text } = await api.get('/metrics').expect(200)
  const thumbprint = api.issuer.certificate.sha256Thumbprint.slice(0, 8)
  for (const line of [
    'portcullis_mints_total{format="native"} 1',
    'portcullis_mint_refusals_total{code="vm-unknown"} 1',
    'portcullis_mint_refusals_total{code="policy-denied"} 0',
    'portcullis_redeems_total{outcome="first"} 1',
    'portcullis_redeems_total{outcome="client-mismatch"} 1',
    'portcullis_nodes 1',
    `portcullis_certificate_expiry_seconds{certificate="issuer:${thumbprint}"} ${api.issuer.certificate.notAfter.getTime() / 1000}`,
  ]) {
    expect(text.split('\n')).toContain(line)
  }
  expect(text).not.toMatch(/192\.0\.2|gw1|acme/)
  api.clock.advance(60_000)
  expect((await api.get('/metrics')).text).toMatch(/^portcullis_nodes 0$/m)
})
