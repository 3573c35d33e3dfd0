import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Secret } from '../../../src/lib/index.ts'
import { createTestBroker, type TestBroker } from '../support.ts'

const GUID = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'

let api: TestBroker

beforeEach(async () => {
  api = await createTestBroker()
})
afterEach(() => api.close())

const rows = {
  tenants: [{ id: 'initech', name: 'Initech' }],
  hosts: [
    { id: 'hv1', kind: 'rdp', address: '192.0.2.11' },
    { id: 'hv2', kind: 'agent', address: 'HV2.example.net.', console: { allow: true } },
  ],
  vms: [
    { id: 'mail', name: 'Mail', tenant: 'globex', host: 'hv1' },
    { id: 'db', name: 'DB', tenant: 'initech', host: 'hv2', guid: GUID.toUpperCase() },
  ],
}

const load = (body: object) => api.post('/v1/import', body)

async function inventory() {
  const lists = await Promise.all(['tenants', 'hosts', 'vms'].map((all) => api.get(`/v1/${all}`)))
  return lists.map(({ body }) => body)
}

test('creates what is new, changes what differs, and says it field by field', async () => {
  const { body } = await load(rows).expect(200)
  expect(body).toEqual({
    dryRun: false,
    created: 3,
    changed: 1,
    unchanged: 1,
    items: [
      {
        type: 'tenant',
        id: 'initech',
        outcome: 'created',
        changes: [{ field: 'name', to: 'Initech' }],
      },
      {
        type: 'host',
        id: 'hv1',
        outcome: 'changed',
        changes: [{ field: 'address', from: '192.0.2.10', to: '192.0.2.11' }],
      },
      {
        type: 'host',
        id: 'hv2',
        outcome: 'created',
        changes: [
          { field: 'kind', to: 'agent' },
          { field: 'address', to: 'hv2.example.net' },
          { field: 'port', to: 2179 },
          { field: 'identify', to: 'fqdn' },
          { field: 'console.allow', to: true },
        ],
      },
      {
        type: 'vm',
        id: 'db',
        outcome: 'created',
        changes: [
          { field: 'name', to: 'DB' },
          { field: 'tenant', to: 'initech' },
          { field: 'host', to: 'hv2' },
          { field: 'guid', to: GUID },
        ],
      },
    ],
  })
  // Opted in before, and not a word of it in the row.
  expect((await api.get('/v1/hosts/hv1')).body.console).toEqual({ allow: true })
  expect(api.events('inventory.imported')).toMatchObject([
    { created: 3, changed: 1, unchanged: 1, askedBy: 'key:test' },
  ])
  expect(api.events('host.enabled')).toMatchObject([{ host: 'hv2', askedBy: 'key:test' }])
})

test('a dry run says the same and changes nothing', async () => {
  const before = await inventory()
  const dry = await load({ ...rows, dryRun: true }).expect(200)
  expect(await inventory()).toEqual(before)
  expect(api.events('inventory.imported')).toEqual([])
  const { body } = await load(rows).expect(200)
  expect(dry.body).toEqual({ ...body, dryRun: true })
})

test('the same again changes nothing', async () => {
  await load(rows).expect(200)
  const before = await inventory()
  const { body } = await load(rows).expect(200)
  expect(body).toEqual({ dryRun: false, created: 0, changed: 0, unchanged: 5, items: [] })
  expect(await inventory()).toEqual(before)
})

test('a field that a row leaves out goes back to its default, but the opt-in does not', async () => {
  const full = {
    id: 'hv2',
    kind: 'hyperv',
    address: '192.0.2.20',
    port: 2200,
    console: { allow: true, mode: 'enhanced' },
  }
  await load({ hosts: [full] }).expect(200)
  const { body } = await load({ hosts: [{ id: 'hv2', kind: 'hyperv', address: '192.0.2.20' }] })
  expect(body.items).toMatchObject([{ changes: [{ field: 'port', from: 2200, to: 2179 }] }])
  const rdp = await load({ hosts: [{ id: 'hv2', kind: 'rdp', address: '192.0.2.20', port: 2179 }] })
  expect(rdp.body.items).toMatchObject([
    {
      changes: [
        { field: 'kind', from: 'hyperv', to: 'rdp' },
        { field: 'console.mode', from: 'enhanced' },
      ],
    },
  ])
  await load({
    hosts: [{ id: 'hv2', kind: 'rdp', address: '192.0.2.20', console: { allow: false } }],
  })
  expect(api.events('host.disabled')).toMatchObject([{ host: 'hv2' }])
})

test('network level authentication is a field of hosts of kind rdp', async () => {
  const hv2 = { id: 'hv2', kind: 'rdp', address: '192.0.2.20', nla: 'off' }
  await load({ hosts: [hv2] }).expect(200)
  const { nla, ...without } = hv2
  const { body } = await load({ hosts: [without] }).expect(200)
  expect(body.items).toMatchObject([{ changes: [{ field: 'nla', from: nla }] }])
  const refused = await load({ hosts: [{ ...hv2, kind: 'vnc' }] }).expect(400)
  expect(refused.body.errors).toMatchObject([{ field: 'hosts.0.nla' }])
})

test('names of a host stay as long as a row is about the same address', async () => {
  const hv2 = { id: 'hv2', kind: 'rdp', address: '192.0.2.20', identify: 'fqdn' }
  const names = { fqdn: 'hv2.example.net' }
  const first = await load({ hosts: [{ ...hv2, names }] }).expect(200)
  expect(first.body.items[0].changes).toContainEqual({
    field: 'names.fqdn',
    to: 'hv2.example.net',
  })
  const again = await load({ hosts: [hv2] }).expect(200)
  expect(again.body.unchanged).toBe(1)
  const { body } = await load({ hosts: [{ ...hv2, address: '192.0.2.21' }] }).expect(400)
  expect(body.errors).toMatchObject([{ field: 'hosts.0.names.fqdn' }])
})

const vm = { id: 'db', name: 'DB', tenant: 'acme', host: 'hv1' }
const agent = { id: 'hv2', kind: 'agent', address: '192.0.2.20' }

test.each<[string, string, object]>([
  [
    'hosts.1.kind',
    'need one of rdp, hyperv, agent, vnc',
    { hosts: [agent, { ...agent, id: 'hv3', kind: 'xen' }] },
  ],
  ['hosts.0.port', 'need at most 65535, have 70000', { hosts: [{ ...agent, port: 70_000 }] }],
  ['hosts.0.console.mode', 'only hosts', { hosts: [{ ...agent, console: { mode: 'basic' } }] }],
  ['hosts.0.colour', 'not a known field', { hosts: [{ ...agent, colour: 'red' }] }],
  ['hosts.1.id', 'row 1 has the same', { hosts: [agent, agent] }],
  ['hosts.0.kind', 'machine web on it has no guid', { hosts: [{ ...agent, id: 'hv1' }] }],
  ['hosts.0.names.fqdn', 'needed to identify by fqdn', { hosts: [{ ...agent, identify: 'fqdn' }] }],
  ['vms.1.tenant', 'there is no such tenant: x', { vms: [vm, { ...vm, id: 'b', tenant: 'x' }] }],
  ['vms.0.host', 'there is no such host: x', { vms: [{ ...vm, host: 'x' }] }],
  [
    'vms.0.guid',
    'needed on a host of kind agent',
    { hosts: [agent], vms: [{ ...vm, host: 'hv2' }] },
  ],
  ['vms.0.id', 'is missing', { vms: [{ name: 'DB' }] }],
  ['tenants.0.name', 'is missing', { tenants: [{ id: 'initech' }] }],
  ['vms', 'need 10000 rows or fewer, have 10001', { vms: Array.from({ length: 10_001 }, () => 1) }],
])('a broken row is named by %s, %s, and nothing is imported', async (field, message, body) => {
  const before = await inventory()
  const whole = { tenants: [{ id: 'umbrella', name: 'Umbrella' }], ...body }
  const refused = await load(whole).expect(400)
  expect(refused.body.code).toBe('validation-failed')
  expect(refused.body.errors[0]).toEqual({ field, message: expect.stringContaining(message) })
  expect(await inventory()).toEqual(before)
  expect(api.events('inventory.imported')).toEqual([])
})

test('names no more than twenty broken rows', async () => {
  const vms = Array.from({ length: 30 }, (_, index) => ({ ...vm, id: `db${index}`, host: 'x' }))
  const { body } = await load({ vms }).expect(400)
  expect(body.errors).toHaveLength(20)
})

test('nodes have their answers while thousands of rows are compared', async () => {
  const vms = Array.from({ length: 5_000 }, (_, index) => ({ ...vm, id: `db${index}` }))
  await load({ vms }).expect(200)
  const { body } = await api.post('/v1/consoles', { vm: 'web' }).expect(201)
  const done: string[] = []
  const changed = vms.map((row) => ({ ...row, name: 'DB 2' }))
  const change = vi.spyOn(api.store.inventory, 'change')
  const importing = load({ vms: changed }).then(() => done.push('import'))
  const asked = { tunnel: 't1', clientAddress: '192.0.2.7', token: new Secret(body.gatewayToken) }
  await vi.waitFor(() => expect(change).toHaveBeenCalled(), { interval: 1, timeout: 15_000 })
  const answer = await api.broker.control.redeem({ name: 'gw1', role: 'node' }, asked)
  done.push('redeem')
  await importing
  expect(answer).toEqual({ ok: true })
  expect(done).toEqual(['redeem', 'import'])
})

test('takes thousands of rows, but no more bytes than its limit', async () => {
  const vms = Array.from({ length: 2_000 }, (_, index) => ({ ...vm, id: `db${index}` }))
  const { body } = await load({ vms }).expect(200)
  expect(body.created).toBe(2_000)
  const name = 'x'.repeat(9 * 1024 * 1024)
  const refused = await load({ vms: [{ ...vm, name }] }).expect(413)
  expect(refused.body.code).toBe('limit-reached')
  // Other routes keep to theirs.
  await api.put('/v1/tenants/acme', { name: 'x'.repeat(20_000) }).expect(413)
})
