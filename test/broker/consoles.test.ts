import { afterEach, beforeEach, expect, test } from 'vitest'
import type { PolicyBody } from '../../src/policy/index.ts'
import { parseRdpFile } from '../../src/rdpfile/index.ts'
import { createTestBroker, type TestBroker } from './support.ts'

let api: TestBroker

beforeEach(async () => {
  api = await createTestBroker()
})
afterEach(() => api.close())

const setPolicy = (body: PolicyBody) => api.put('/v1/policy/vms/web', body)

async function open(wanted: object = {}) {
  const { body } = await api.post('/v1/consoles', { vm: 'web', ...wanted }).expect(201)
  const [, payload = ''] = String(body.gatewayToken).split('.')
  return {
    claims: JSON.parse(Buffer.from(payload, 'base64url').toString()),
    file: parseRdpFile(Buffer.from(body.rdp, 'base64')),
  }
}

test('what policy says is in the token and in the file', async () => {
  await setPolicy({
    default: { ttlSeconds: 90, idleLimitMinutes: 15, sessionLimitSeconds: 3600 },
    enforce: { reconnectWindowSeconds: 120, redirect: ['clipboard', 'drives'] },
  })
  const { claims, file } = await open()
  expect(claims).toMatchObject({ idl: 15, max: 3600, rcw: 120, rdr: 0x16 })
  expect(claims.exp - claims.iat).toBe(90)
  expect(file.get('autoreconnection enabled')).toBe('1')
  expect(file.get('redirectclipboard')).toBe('1')
  expect(file.get('drivestoredirect')).toBe('*')
  expect(file.get('redirectprinters')).toBe('0')
})

test('without policy the token has no limits, and nothing is redirected', async () => {
  const { claims, file } = await open()
  expect(claims).toMatchObject({ rdr: 0x4000_0000 })
  for (const claim of ['idl', 'max', 'rcw']) expect(claims).not.toHaveProperty(claim)
  expect(file.get('autoreconnection enabled')).toBe('0')
  expect(file.get('redirectclipboard')).toBe('0')
})

test('a console that policy closes is not opened, and the answer says by whom', async () => {
  await api.put('/v1/policy/tenants/acme', { enforce: { allowConsole: false } })
  const { body } = await api.post('/v1/consoles', { vm: 'web' }).expect(422)
  expect(body).toMatchObject({
    code: 'policy-denied',
    detail: 'allowConsole: the console of this machine is off, by tenant:acme.',
  })
  await api.post('/v1/consoles', { vm: 'mail' }).expect(201)
})

test('asking for more than policy allows is refused, naming field and values', async () => {
  await setPolicy({ enforce: { ttlMaxSeconds: 30 } })
  const { body } = await api.post('/v1/consoles', { vm: 'web', ttlSeconds: 60 }).expect(422)
  expect(body).toMatchObject({
    code: 'policy-denied',
    errors: [{ field: 'ttlSeconds', message: 'need 5 to 30 seconds, have 60' }],
  })
  const { claims } = await open()
  expect(claims.exp - claims.iat).toBe(30)
})
