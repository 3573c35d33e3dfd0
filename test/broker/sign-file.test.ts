import { afterEach, beforeAll, expect, test } from 'vitest'
import { type Publisher, verifyRdpFile } from '../../src/rdpfile/index.ts'
import { createSigning } from '../rdpfile/signing.ts'
import { createTestBroker, NOW_MS, type TestBroker } from './support.ts'

let publisher: Publisher
beforeAll(async () => {
  publisher = (await createSigning(NOW_MS)).publisher
})

let api: TestBroker
afterEach(() => api.close())

const openFile = () =>
  api.post('/v1/consoles', { vm: 'web' }).set('Accept', 'application/x-rdp').responseType('blob')
const openJson = () => api.post('/v1/consoles', { vm: 'web' }).set('Accept', 'application/json')
const verify = (file: Uint8Array) => verifyRdpFile(file, { nowMs: NOW_MS })
const failing = (): Publisher => ({ ...publisher, sign: () => Promise.reject(new Error('no key')) })

test('signs every file: for the API, inside JSON, for the portal', async () => {
  api = await createTestBroker({ publisher })
  const file = await openFile().expect(201)
  expect(verify(file.body).verdict).toBe('valid')
  expect(verify(file.body).publisher?.subject).toBe(publisher.certificate.subject)

  const json = await openJson().expect(201)
  expect(verify(Buffer.from(json.body.rdp, 'base64')).verdict).toBe('valid')

  const session = {
    user: 'ann',
    tenant: { id: 'acme', name: 'Acme' },
    roles: [],
    csrfToken: '',
    expiresAt: new Date(),
  }
  const opened = await api.broker.services.openConsole(session, {
    vm: 'web',
    clientAddress: '192.0.2.1',
  })
  expect(opened.ok && verify(opened.rdp).verdict).toBe('valid')
})

test('leaves files unsigned where no publisher is configured', async () => {
  api = await createTestBroker()
  expect(verify((await openFile().expect(201)).body).verdict).toBe('signature-missing')
})

test('gives a problem and no file when signing fails, and keeps no grant', async () => {
  api = await createTestBroker({ publisher: failing() })
  const answer = await openFile().expect(503)
  expect(answer.headers['content-type']).toContain('application/problem+json')
  expect(answer.headers['content-disposition']).toBeUndefined()
  const problem = JSON.parse(answer.body.toString())
  expect(problem).toMatchObject({
    code: 'unavailable',
    detail: 'The console file could not be signed.',
  })
  expect(api.events('console.minted')).toEqual([])
  expect(api.events('request.failed')).toMatchObject([{ ref: problem.ref, error: 'no key' }])
})

test('signs nothing with a certificate whose time is over, and is not ready then', async () => {
  api = await createTestBroker({ publisher })
  await api.get('/readyz').expect(200)
  api.clock.advance(publisher.certificate.notAfter.getTime() - NOW_MS + 1)
  const answer = await openJson().expect(503)
  expect(answer.body.detail).toBe('The publisher certificate is not valid now.')
  await api.get('/readyz').expect(503)
})

test('shows the publisher, with the thumbprint for the group policy', async () => {
  api = await createTestBroker({ publisher })
  const { body } = await api.get('/v1/publisher').expect(200)
  const { subject, sha1Thumbprint, sha256Thumbprint } = publisher.certificate
  expect(body).toMatchObject({ subject, sha1Thumbprint, sha256Thumbprint })
  expect(body.certificatePem).toContain('BEGIN CERTIFICATE')
  await api.anonymous.get('/v1/publisher').expect(401)
})

test('has no publisher to show where files are not signed', async () => {
  api = await createTestBroker()
  const { body } = await api.get('/v1/publisher').expect(404)
  expect(body.detail).toBe('This broker does not sign its files.')
})
