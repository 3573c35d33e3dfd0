import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTestBroker, type TestBroker } from '../support.ts'

let api: TestBroker

beforeEach(async () => {
  api = await createTestBroker()
})
afterEach(() => api.close())

describe('tenants', () => {
  test('are created, replaced, shown, listed and deleted', async () => {
    const created = await api.put('/v1/tenants/initech', { name: 'Initech' }).expect(201)
    expect(created.body).toEqual({ id: 'initech', name: 'Initech' })
    await api.put('/v1/tenants/initech', { name: 'Initech Inc' }).expect(200)
    const shown = await api.get('/v1/tenants/initech').expect(200)
    expect(shown.body).toEqual({ id: 'initech', name: 'Initech Inc' })
    const listed = await api.get('/v1/tenants').expect(200)
    expect(listed.body.items.map(({ id }: { id: string }) => id)).toEqual([
      'acme',
      'globex',
      'initech',
    ])
    await api.delete('/v1/tenants/initech').expect(204)
    await api.delete('/v1/tenants/initech').expect(404)
  })

  test('are not deleted while they have machines or users', async () => {
    const { body } = await api.delete('/v1/tenants/acme').expect(409)
    expect(body.code).toBe('conflict')
  })
})

describe('hosts', () => {
  test('get the defaults of their kind and address', async () => {
    const { body } = await api
      .put('/v1/hosts/hv2', {
        kind: 'hyperv',
        address: 'HV2.Example.NET.',
        console: { allow: false },
      })
      .expect(201)
    expect(body).toMatchObject({
      id: 'hv2',
      kind: 'hyperv',
      address: 'hv2.example.net',
      port: 2179,
      identify: 'fqdn',
      console: { allow: false },
      effectiveConsole: { allow: false, source: 'host:hv2' },
      state: 'not-opted-in',
      states: [],
    })
  })

  test('may have a pin, in the spelling of any dialog, and lose it again', async () => {
    const host = { kind: 'rdp', address: 'hv2', console: { allow: false } }
    const pin = Array.from({ length: 32 }, () => 'aB').join(':')
    const { body } = await api.put('/v1/hosts/hv2', { ...host, pin }).expect(201)
    expect(body.pin).toBe('AB'.repeat(32))
    for (const wrong of ['', 'AB', 'A'.repeat(40), `${'A'.repeat(63)}G`, ':'.repeat(300)]) {
      const refused = await api.put('/v1/hosts/hv2', { ...host, pin: wrong }).expect(400)
      expect(refused.body.errors).toMatchObject([{ field: 'pin' }])
    }
    expect((await api.put('/v1/hosts/hv2', host).expect(200)).body).not.toHaveProperty('pin')
  })

  test('of kind rdp may be without network level authentication', async () => {
    const host = { kind: 'rdp', address: 'hv2', nla: 'off', console: { allow: false } }
    const { body } = await api.put('/v1/hosts/hv2', host).expect(201)
    expect(body.nla).toBe('off')
    const refused = await api.put('/v1/hosts/hv2', { ...host, kind: 'agent' }).expect(400)
    expect(refused.body.errors).toEqual([
      { field: 'nla', message: 'only hosts of kind rdp have one' },
    ])
  })

  test('lose what a replacement leaves out', async () => {
    const full = {
      kind: 'hyperv',
      address: '[2001:db8::1]',
      port: 2200,
      identify: 'fqdn',
      names: { fqdn: 'hv2.example.net' },
      console: { allow: true, mode: 'enhanced' },
    }
    const first = await api.put('/v1/hosts/hv2', full).expect(201)
    expect(first.body).toMatchObject({ id: 'hv2', ...full, address: '2001:db8::1' })
    const { body } = await api
      .put('/v1/hosts/hv2', { kind: 'rdp', address: 'hv2', console: { allow: false } })
      .expect(200)
    expect(body).toMatchObject({ port: 3389, identify: 'name', console: { allow: false } })
    expect(body.console).not.toHaveProperty('mode')
    expect(body).not.toHaveProperty('names')
  })

  test('are not deleted while they have machines', async () => {
    const { body } = await api.delete('/v1/hosts/hv1').expect(409)
    expect(body.code).toBe('conflict')
    await api.delete('/v1/vms/web').expect(204)
    await api.delete('/v1/vms/mail').expect(204)
    await api.delete('/v1/hosts/hv1').expect(204)
  })

  test.each([
    ['kind', { kind: 'xen' }],
    ['address', { address: '' }],
    ['address', { address: 'hv1:3389' }],
    ['address', { address: 'https://hv1' }],
    ['address', { address: '300.1.1.1' }],
    ['address', { address: 'fe80::1%eth0' }],
    ['address', { address: 'a'.repeat(64) }],
    ['address', { address: `${'a.'.repeat(150)}net` }],
    ['port', { port: 0 }],
    ['port', { port: 65_536 }],
    ['identify', { identify: 'mac' }],
    ['console', { console: undefined }],
    ['console.allow', { console: {} }],
    ['console.allow', { console: { allow: 'yes' } }],
    ['console.mode', { console: { allow: true, mode: 'basic' } }],
    ['console.colour', { console: { allow: true, colour: 1 } }],
    ['names.mac', { names: { mac: 'x' } }],
    ['names.fqdn', { names: { fqdn: 'hv2' } }],
    ['names.ipv4', { names: { ipv4: '2001:db8::1' } }],
    ['names.name', { names: { name: 'another' } }],
    ['names.ipv6', { identify: 'ipv6' }],
    ['names.fqdn', { address: '192.0.2.20', identify: 'fqdn', names: { name: 'hv2' } }],
  ])('need a valid %s: %j', async (field, change) => {
    const good = { kind: 'rdp', address: 'hv2', console: { allow: true } }
    const { body } = await api.put('/v1/hosts/hv2', { ...good, ...change }).expect(400)
    expect(body).toMatchObject({ code: 'validation-failed', errors: [{ field }] })
    await api.get('/v1/hosts/hv2').expect(404)
  })
})

describe('vms', () => {
  const good = { name: 'DB', tenant: 'acme', host: 'hv1' }

  test('are created with what is given and nothing else', async () => {
    const effectiveConsole = { allow: true, source: 'host:hv1' }
    const { body } = await api.put('/v1/vms/db', good).expect(201)
    expect(body).toEqual({ id: 'db', ...good, effectiveConsole })
    const own = { ...good, address: 'db.example.net', port: 3390 }
    const replaced = await api.put('/v1/vms/db', own).expect(200)
    expect(replaced.body).toEqual({ id: 'db', ...own, effectiveConsole })
  })

  test('need a tenant and a host that exist', async () => {
    const { body } = await api.put('/v1/vms/db', { ...good, tenant: 'x', host: 'y' }).expect(400)
    expect(body.errors).toEqual([
      { field: 'tenant', message: 'there is no such tenant: x' },
      { field: 'host', message: 'there is no such host: y' },
    ])
  })

  test('need a GUID on a host that finds machines by it', async () => {
    await api.put('/v1/hosts/hv2', { kind: 'hyperv', address: 'hv2', console: { allow: true } })
    const { body } = await api.put('/v1/vms/db', { ...good, host: 'hv2' }).expect(400)
    expect(body.errors).toEqual([{ field: 'guid', message: 'needed on a host of kind hyperv' }])
    await api.put('/v1/vms/db', { ...good, guid: 'not-a-guid' }).expect(400)
  })

  test('without a GUID keep their host from a kind that finds them by it, and are named', async () => {
    const put = (kind: string) =>
      api.put('/v1/hosts/hv1', { kind, address: '192.0.2.10', console: { allow: true } })
    for (const kind of ['hyperv', 'agent']) {
      const { body } = await put(kind).expect(400)
      const message = `machines on it have no guid, which ${kind} needs: mail, web`
      expect(body.errors).toEqual([{ field: 'kind', message }])
    }
    for (let n = 10; n < 25; n += 1) await api.put(`/v1/vms/vm${n}`, good).expect(201)
    const { body } = await put('hyperv').expect(400)
    expect(body.errors[0].message).toMatch(/ needs: mail, (vm1\d, ){8}vm18 and others$/)
    expect((await api.get('/v1/hosts/hv1')).body.kind).toBe('rdp')
    await put('vnc').expect(200)
  })

  test('can move to another tenant', async () => {
    await api.put('/v1/vms/web', { name: 'Web 1', tenant: 'globex', host: 'hv1' }).expect(200)
    await api.post('/v1/consoles', { vm: 'web', tenant: 'acme' }).expect(404)
    await api.post('/v1/consoles', { vm: 'web', tenant: 'globex' }).expect(201)
  })
})

test("machines are listed of one tenant or host alone, so that nobody has to leave out others'", async () => {
  const ids = async (query: string) => {
    const { body } = await api.get(`/v1/vms?${query}`).expect(200)
    return body.items.map(({ id }: { id: string }) => id)
  }
  await api.put('/v1/vms/app', { name: 'App', tenant: 'acme', host: 'hv1' }).expect(201)
  expect(await ids('tenant=acme')).toEqual(['app', 'web'])
  expect(await ids('tenant=acme&limit=1&after=app')).toEqual(['web'])
  expect(await ids('host=hv1&tenant=globex')).toEqual(['mail'])
  expect(await ids('host=none')).toEqual([])
  await api.get('/v1/vms?tenant=').expect(400)
  await api.get('/v1/tenants?tenant=acme').expect(400)
})

test.each(['tenants', 'hosts', 'vms'])(
  '%s: an impossible id is wrong to put, unknown to read',
  async (all) => {
    const { body } = await api.put(`/v1/${all}/-x`, {}).expect(400)
    expect(body.errors).toMatchObject([{ field: 'id' }])
    await api.get(`/v1/${all}/-x`).expect(404)
    await api.get(`/v1/${all}/${'x'.repeat(65)}`).expect(404)
  },
)
