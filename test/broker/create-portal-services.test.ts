import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { PortalServices, Session } from '../../src/broker/index.ts'
import { BrokerError } from '../../src/lib/index.ts'
import { parseRdpFile } from '../../src/rdpfile/index.ts'
import { signIn } from './portal-sign-in.ts'
import { createTestBroker, NOW_MS, type TestBroker } from './support.ts'

let api: TestBroker
let services: PortalServices

beforeEach(async () => {
  api = await createTestBroker()
  services = api.broker.services
})
afterEach(() => api.close())

describe('consoles', () => {
  let session: Session

  beforeEach(async () => {
    session = (await signIn(services)).session
  })

  test("the list has the tenant's own machines, and why one cannot be opened", async () => {
    const web = { id: 'web', name: 'Web 1', kind: 'rdp' }
    expect(await services.listVms(session)).toEqual([
      { ...web, consoleAvailable: true, fileLifetimeSeconds: 120 },
    ])
    await api.put('/v1/hosts/hv1', { kind: 'rdp', address: 'hv1', console: { allow: false } })
    expect(await services.listVms(session)).toEqual([
      { ...web, consoleAvailable: false, unavailableReason: 'host-not-opted-in' },
    ])
  })

  test('the list is in the order of people, whatever the case, and by number', async () => {
    for (const name of ['web 10', 'Web 2', 'alpha', 'Bravo']) {
      const id = name.replace(' ', '-')
      await api.put(`/v1/vms/${id}`, { name, tenant: 'acme', host: 'hv1' }).expect(201)
    }
    const listed = await services.listVms(session)
    expect(listed.map(({ name }) => name)).toEqual(['alpha', 'Bravo', 'Web 1', 'Web 2', 'web 10'])
  })

  test('policy may close consoles, and shorten or lengthen how long files may be opened', async () => {
    const seen = async () => (await services.listVms(session))[0]
    await api.put('/v1/policy/vms/web', { enforce: { ttlMaxSeconds: 30 } })
    expect(await seen()).toMatchObject({ consoleAvailable: true, fileLifetimeSeconds: 30 })
    const short = await services.openConsole(session, { vm: 'web', clientAddress: '192.0.2.99' })
    expect(short).toMatchObject({ ok: true, expiresAt: new Date(NOW_MS + 30_000) })
    await api.put('/v1/policy/vms/web', { default: { ttlSeconds: 300 } })
    expect(await seen()).toMatchObject({ fileLifetimeSeconds: 300 })
    await api.put('/v1/policy/vms/web', { enforce: { ttlSeconds: 45 } })
    expect(await seen()).toMatchObject({ fileLifetimeSeconds: 45 })
    await api.put('/v1/policy/tenants/acme', { enforce: { allowConsole: false } })
    expect(await seen()).toMatchObject({
      consoleAvailable: false,
      unavailableReason: 'policy-denied',
    })
    const closed = await services.openConsole(session, { vm: 'web', clientAddress: '192.0.2.99' })
    expect(closed).toMatchObject({ ok: false, status: 422, code: 'policy-denied' })
  })

  test('a file for 120 s, kept with user and address', async () => {
    const result = await services.openConsole(session, { vm: 'web', clientAddress: '192.0.2.99' })
    if (!result.ok) throw new Error(result.code)
    expect(result.expiresAt).toEqual(new Date(NOW_MS + 120_000))
    expect(result.fileName).toBe(`Web-1-${result.ref}.rdp`)
    expect(parseRdpFile(result.rdp).get('gatewayaccesstoken')).toBeDefined()
    expect(await api.store.grants.findByRef(result.ref)).toMatchObject({
      user: 'ann',
      tenant: 'acme',
      clientAddress: '192.0.2.99',
    })
  })

  test.each(['mail', 'none', '', '../web'])('no file for a machine of others: %s', async (vm) => {
    expect(await services.openConsole(session, { vm, clientAddress: '192.0.2.99' })).toEqual({
      ok: false,
      status: 404,
      code: 'vm-unknown',
      detail: `There is no machine "${vm}".`,
      ref: expect.any(String),
    })
  })

  test('no file for someone without a tenant', async () => {
    const { session: operator } = await signIn(services, 'operator', 'battery staple')
    const result = await services.openConsole(operator, { vm: 'web', clientAddress: '192.0.2.99' })
    expect(result).toMatchObject({ ok: false, code: 'vm-unknown' })
  })

  test('one sentence and a reference when the store fails', async () => {
    const failure = new BrokerError('ERR_STORE', 'disk I/O error')
    vi.spyOn(api.store.grants, 'insert').mockRejectedValue(failure)
    const result = await services.openConsole(session, { vm: 'web', clientAddress: '192.0.2.99' })
    expect(result).toMatchObject({ ok: false, status: 503, code: 'unavailable' })
    expect(JSON.stringify(result)).not.toContain('disk')
  })
})
