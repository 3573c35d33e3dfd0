import { expect, test } from 'vitest'
import type { Host, Store, Tenant, User, Vm, VmPage } from '../../src/store/index.ts'

const NOW_MS = Date.UTC(2030, 0, 1)

const tenant: Tenant = { id: 'acme', name: 'Acme' }
const host: Host = {
  id: 'hv1',
  kind: 'rdp',
  address: '192.0.2.10',
  port: 3389,
  identify: 'ipv4',
  consoleAllow: true,
}
const vm: Vm = { id: 'vm1', name: 'web', tenant: 'acme', host: 'hv1' }
const user: User = {
  ...{ id: 'ann', tenant: 'acme', roles: [], disabled: false, passwordHash: 'scrypt$…' },
}

/** The part of the store's contract about changing the inventory as a whole, and about users. */
export function inventoryContract(store: () => Store): void {
  test('changes the inventory as a whole, by what it sees', async () => {
    await store().tenants.put({ id: 'globex', name: 'Globex' }, NOW_MS)
    const seen = await store().inventory.change(
      (current) => ({ result: current, put: { tenants: [tenant], hosts: [host], vms: [vm] } }),
      NOW_MS,
    )
    expect(seen).toEqual({ tenants: [{ id: 'globex', name: 'Globex' }], hosts: [], vms: [] })
    const now = await store().inventory.change((current) => ({ result: current, put: {} }), NOW_MS)
    expect(now).toEqual({
      tenants: [tenant, { id: 'globex', name: 'Globex' }],
      hosts: [host],
      vms: [vm],
    })
  })

  test('puts and sees any number of records, and replaces all of them', async () => {
    const named = (name: string): Vm[] =>
      Array.from({ length: 2_103 }, (_, n) => ({ ...vm, id: `vm${10_000 + n}`, name }))
    const put = (vms: Vm[]) =>
      store().inventory.change((current) => ({ result: current.vms, put: { vms } }), NOW_MS)
    await store().tenants.put(tenant, NOW_MS)
    await store().hosts.put(host, NOW_MS)
    expect(await put(named('web'))).toEqual([])
    expect(await put(named('mail'))).toEqual(named('web'))
    expect(await store().vms.list()).toEqual(named('mail'))
  })

  test('lists the machines of one tenant, or on one host, by the page as well', async () => {
    const globex = { id: 'globex', name: 'Globex' }
    const hv2 = { ...host, id: 'hv2' }
    const vms = [
      { ...vm, id: 'a' },
      { ...vm, id: 'b', tenant: 'globex' },
      { ...vm, id: 'c', host: 'hv2' },
      { ...vm, id: 'd' },
    ]
    const put = { tenants: [tenant, globex], hosts: [host, hv2], vms }
    await store().inventory.change(() => ({ result: undefined, put }), NOW_MS)
    const ids = async (page: VmPage) => (await store().vms.list(page)).map(({ id }) => id)
    expect(await ids({ tenant: tenant.id })).toEqual(['a', 'c', 'd'])
    expect(await ids({ tenant: tenant.id, after: 'a', limit: 1 })).toEqual(['c'])
    expect(await ids({ tenant: tenant.id, host: host.id })).toEqual(['a', 'd'])
    expect(await ids({ host: 'hv2' })).toEqual(['c'])
    expect(await ids({ tenant: 'none' })).toEqual([])
  })

  test('serves others while a change is decided on, which is then decided anew', async () => {
    const put = { hosts: [host] }
    const seen: number[] = []
    const changed = store().inventory.change(async ({ tenants }) => {
      seen.push(tenants.length)
      if (seen.length === 1) await store().tenants.put(tenant, NOW_MS)
      return { result: tenants, put }
    }, NOW_MS)
    expect(await changed).toEqual([tenant])
    expect(seen).toEqual([0, 1])
    expect(await store().hosts.list()).toEqual([host])
  })

  test('what is put in place of another record in the meantime is seen as well', async () => {
    await store().tenants.put(tenant, NOW_MS)
    let tries = 0
    const changed = store().inventory.change(async ({ tenants }) => {
      tries += 1
      if (tries === 1) {
        await store().tenants.delete('acme')
        await store().tenants.put({ id: 'globex', name: 'Globex' }, NOW_MS + 1)
      }
      return { result: tenants, put: {} }
    }, NOW_MS)
    expect(await changed).toEqual([{ id: 'globex', name: 'Globex' }])
  })

  test('lets the others wait when they change the inventory each time', async () => {
    let tries = 0
    const others: Promise<unknown>[] = []
    const seen = await store().inventory.change(async ({ tenants }) => {
      tries += 1
      others.push(store().tenants.put({ id: `t${tries}`, name: 'T' }, NOW_MS))
      // The last of them waits for this change, so that it can't be waited for.
      if (tries < 4) await others.at(-1)
      return { result: tenants.length, put: { hosts: [host] } }
    }, NOW_MS)
    expect(seen).toBe(3)
    await Promise.all(others)
    expect(await store().tenants.list()).toHaveLength(4)
  })

  test('names the machines of a host that have no GUID, so many at most', async () => {
    const guid = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'
    const vms = [...['vm3', 'vm1', 'vm2'].map((id) => ({ ...vm, id })), { ...vm, id: 'vm0', guid }]
    const hosts = [host, { ...host, id: 'hv2' }]
    const put = { tenants: [tenant], hosts, vms: [...vms, { ...vm, id: 'vm4', host: 'hv2' }] }
    await store().inventory.change(() => ({ result: undefined, put }), NOW_MS)
    expect(await store().vms.listWithoutGuid('hv1', 9)).toEqual(['vm1', 'vm2', 'vm3'])
    expect(await store().vms.listWithoutGuid('hv1', 2)).toEqual(['vm1', 'vm2'])
    expect(await store().vms.listWithoutGuid('none', 9)).toEqual([])
  })

  test.each([
    ['a record breaks a constraint', { tenants: [tenant], vms: [{ ...vm, host: 'nowhere' }] }],
    ['a text is over the limit', { tenants: [tenant, { id: 'b', name: 'n'.repeat(201) }] }],
  ])('changes nothing of the inventory when %s', async (_, put) => {
    const change = store().inventory.change(() => ({ result: undefined, put }), NOW_MS)
    await expect(change).rejects.toMatchObject({ code: 'ERR_STORE' })
    expect(await store().tenants.list()).toEqual([])
  })

  test('changes nothing of the inventory when the decision fails, and says how', async () => {
    const change = store().inventory.change(() => {
      throw new RangeError('no')
    }, NOW_MS)
    await expect(change).rejects.toThrow(new RangeError('no'))
    await store().tenants.put(tenant, NOW_MS)
    expect(await store().tenants.list()).toEqual([tenant])
  })

  test('keeps the names of a host, also with its machines, until a replacement leaves them out', async () => {
    const named: Host = {
      ...host,
      names: { fqdn: 'hv1.example.net', name: 'hv1', ipv6: '2001:db8::1' },
    }
    await store().tenants.put(tenant, NOW_MS)
    await store().hosts.put(named, NOW_MS)
    await store().vms.put(vm, NOW_MS)
    expect(await store().hosts.list()).toEqual([named])
    expect((await store().vms.getPlacement('vm1'))?.host).toEqual(named)
    await store().hosts.put(host, NOW_MS)
    expect(await store().hosts.get('hv1')).toEqual(host)
  })

  test("switches a host's consoles, and nothing else of it", async () => {
    await store().hosts.put(host, NOW_MS)
    expect(await store().hosts.allowConsole('hv1', false, NOW_MS)).toBe(true)
    expect(await store().hosts.get('hv1')).toEqual({ ...host, consoleAllow: false })
    expect(await store().hosts.allowConsole('hv1', true, NOW_MS)).toBe(true)
    expect(await store().hosts.get('hv1')).toEqual(host)
    expect(await store().hosts.allowConsole('hv2', true, NOW_MS)).toBe(false)
  })

  test('lists, disables and deletes users; their portal sessions go with them', async () => {
    await store().tenants.put(tenant, NOW_MS)
    const operator: User = {
      id: 'op',
      roles: ['viewer'],
      disabled: false,
      passwordHash: 'scrypt$…',
    }
    await store().users.put(user, NOW_MS)
    await store().users.put(operator, NOW_MS)
    expect(await store().users.list()).toEqual([user, operator])
    const session = (id: string, of: string) => ({
      tokenSha256: id.repeat(64),
      user: of,
      createdAtMs: NOW_MS,
      lastSeenAtMs: NOW_MS,
      expiresAtMs: NOW_MS + 1_000,
    })
    await store().sessions.insert(session('a', 'ann'), user.passwordHash)
    await store().sessions.insert(session('b', 'ann'), user.passwordHash)
    await store().sessions.insert(session('c', 'op'), operator.passwordHash)
    expect(await store().sessions.deleteOfUser('ann')).toBe(2)
    expect(await store().sessions.deleteOfUser('ann')).toBe(0)
    expect(await store().users.delete('op')).toBe('deleted')
    expect(await store().users.delete('op')).toBe('not-found')
    expect(await store().sessions.get('c'.repeat(64))).toBeUndefined()
  })
}
