import { compactVerify, createLocalJWKSet } from 'jose'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { BrokerError } from '../../../src/lib/index.ts'
import { createTestBroker, type TestBroker } from '../support.ts'

let api: TestBroker

beforeEach(async () => {
  api = await createTestBroker()
})
afterEach(() => api.close())

test('the published key set verifies a minted token', async () => {
  const { body: keySet } = await api.anonymous.get('/.well-known/jwks.json').expect(200)
  const { body } = await api.post('/v1/consoles', { vm: 'web' })
  const verified = await compactVerify(body.gatewayToken, createLocalJWKSet(keySet))
  expect(keySet.keys).toHaveLength(1)
  expect(keySet.keys[0]).toMatchObject({
    alg: verified.protectedHeader.alg,
    'x5t#S256': verified.protectedHeader['x5t#S256'],
    use: 'sig',
  })
  expect(JSON.stringify(keySet)).not.toContain('"d"')
})

test('issuers are shown with both thumbprints and the public certificate', async () => {
  const { certificate } = api.issuer
  const { body, text } = await api.get('/v1/issuers').expect(200)
  expect(body.items).toEqual([
    expect.objectContaining({
      sha256Thumbprint: certificate.sha256Thumbprint,
      sha1Thumbprint: certificate.sha1Thumbprint,
      certificatePem: certificate.pem,
      notAfter: certificate.notAfter.toISOString(),
    }),
  ])
  expect(text).not.toContain('PRIVATE')
})

test('health and readiness need no key', async () => {
  await api.anonymous.get('/healthz').expect(200, { status: 'ok' })
  await api.anonymous.get('/readyz').expect(200, { status: 'ok' })
})

test('it is not ready when the store does not answer, but alive', async () => {
  vi.spyOn(api.store, 'check').mockRejectedValue(new BrokerError('ERR_STORE', 'gone'))
  const { body } = await api.anonymous.get('/readyz').expect(503)
  expect(body.code).toBe('unavailable')
  await api.anonymous.get('/healthz').expect(200)
})

test('it is not ready when the issuer certificate has expired', async () => {
  api.clock.advance(31 * 24 * 60 * 60_000)
  const { body } = await api.anonymous.get('/readyz').expect(503)
  expect(body.detail).toBe('The issuer certificate is not valid now.')
})
