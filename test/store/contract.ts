import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ApiKey, Grant, Host, IdPage, Store, User, Vm } from '../../src/store/index.ts'
import { auditContract } from './audit-contract.ts'
import { inventoryContract } from './inventory-contract.ts'
import { timelineContract } from './timeline-contract.ts'
import { trustContract } from './trust-contract.ts'

const NOW_MS = Date.UTC(2030, 0, 1)

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
  id: 'ann@acme.example',
  tenant: 'acme',
  roles: [],
  disabled: false,
  passwordHash: 'scrypt$…',
}
const key: ApiKey = {
  id: 'k1',
  label: 'panel',
  keySha256: 'a'.repeat(64),
  roles: ['viewer', 'operator'],
  tenants: [],
  createdAtMs: NOW_MS,
}
const grant: Grant = {
  id: 'g1',
  ref: '7K3M-Q2XD',
  jti: 'j1',
  vm: 'vm1',
  host: 'hv1',
  tenant: 'acme',
  user: 'ann',
  destination: '192.0.2.10:3389',
  issuerThumbprint: 'A'.repeat(64),
  fileName: 'web-7K3M-Q2XD.rdp',
  createdAtMs: NOW_MS,
  expiresAtMs: NOW_MS + 60_000,
}

/** What every engine promises; each engine's own test calls this with a way to open an empty store. */
export function storeContract(engine: string, open: () => Promise<Store>): void {
  describe(`the store on ${engine}`, () => {
    let store: Store

    beforeEach(async () => {
      store = await open()
    })
    afterEach(() => store.close())

    async function fill() {
      await store.tenants.put({ id: 'acme', name: 'Acme' }, NOW_MS)
      await store.hosts.put(host, NOW_MS)
      await store.vms.put(vm, NOW_MS)
    }

    test('answers a check', async () => {
      await expect(store.check()).resolves.toBeUndefined()
    })

    test('creates, then replaces, and gives back exactly what was put', async () => {
      await fill()
      expect(await store.hosts.get('hv1')).toEqual(host)
      const hyperv: Host = { ...host, kind: 'hyperv', consoleMode: 'enhanced', consoleAllow: false }
      expect(await store.hosts.put(hyperv, NOW_MS)).toBe('replaced')
      expect(await store.hosts.get('hv1')).toEqual(hyperv)
      const plain: Host = { ...host, kind: 'rdp', nla: 'off' }
      expect(await store.hosts.put(plain, NOW_MS)).toBe('replaced')
      expect(await store.hosts.get('hv1')).toEqual(plain)
      expect((await store.vms.getPlacement(vm.id))?.host.nla).toBe('off')
      expect(await store.hosts.put(host, NOW_MS)).toBe('replaced')
      expect(await store.hosts.get('hv1')).toEqual(host)
      expect(await store.tenants.put({ id: 'acme', name: 'Acme Ltd' }, NOW_MS)).toBe('replaced')
      expect(await store.tenants.get('acme')).toEqual({ id: 'acme', name: 'Acme Ltd' })
    })

    test('keeps what each node last found of a host, as long as the host is there', async () => {
      await fill()
      const probe = { host: 'hv1', node: 'gw1', state: 'ready', sinceMs: NOW_MS, body: '{}' }
      await store.hostProbes.put({ ...probe, probedAtMs: NOW_MS })
      await store.hostProbes.put({ ...probe, node: 'gw2', probedAtMs: NOW_MS + 1 })
      const newer = { ...probe, state: 'not-rdp', sinceMs: NOW_MS + 2, probedAtMs: NOW_MS + 2 }
      await store.hostProbes.put(newer)
      expect(await store.hostProbes.get('hv1', 'gw1')).toEqual(newer)
      const nodes = async (sinceMs: number) =>
        (await store.hostProbes.list(sinceMs)).map(({ node }) => node)
      expect(await nodes(0)).toEqual(['gw1', 'gw2'])
      expect(await nodes(NOW_MS + 2)).toEqual(['gw1'])
      expect(await store.hostProbes.list(0, ['hv9'])).toEqual([])
      expect(await store.hostProbes.list(0, [])).toEqual([])
      expect(await store.hostProbes.list(0, ['hv9', 'hv1'])).toHaveLength(2)
      await store.hostProbes.deleteBefore(NOW_MS + 2)
      expect(await nodes(0)).toEqual(['gw1'])
      await store.vms.delete('vm1')
      await store.hosts.delete('hv1')
      expect(await nodes(0)).toEqual([])
    })

    test('names the hosts to probe: those that are opted in, or the one that is asked for', async () => {
      await fill()
      const off: Host = { ...host, id: 'hv2', kind: 'hyperv', consoleAllow: false }
      await store.hosts.put({ ...off, pin: 'A'.repeat(64) }, NOW_MS)
      const guids = ['7c9e6679-7425-40de-944b-e07fc1f90ae7', '3f2504e0-4f89-11d3-9a0c-0305e82c3301']
      for (const [index, guid] of guids.entries()) {
        await store.vms.put({ ...vm, id: `many${index}`, host: 'hv2', guid }, NOW_MS)
      }
      const { id, kind, address, port } = host
      expect(await store.hostProbes.listTargets()).toEqual([{ id, kind, address, port }])
      const names = { fqdn: 'hv1.example.net', ipv6: '2001:db8::1' }
      await store.hosts.put({ ...host, identify: 'fqdn', names }, NOW_MS)
      const asNamed = { id, kind, address: 'hv1.example.net', port }
      expect(await store.hostProbes.listTargets('hv1')).toEqual([asNamed])
      const wanted = { id: 'hv2', kind: 'hyperv', address, port, pin: 'A'.repeat(64) }
      expect(await store.hostProbes.listTargets('hv2')).toEqual([{ ...wanted, guid: guids[1] }])
      expect(await store.hostProbes.listTargets('hv9')).toEqual([])
    })

    test('keeps a policy for the provider, each tenant and each VM, as long as they are there', async () => {
      await fill()
      await store.tenants.put({ id: 'globex', name: 'Globex' }, NOW_MS)
      await store.vms.put({ ...vm, id: 'vm2', tenant: 'globex' }, NOW_MS)
      for (const scope of ['vm:vm1', 'tenant:acme', 'provider', 'vm:vm2'] as const) {
        expect(await store.policies.put(scope, `{"of":"${scope}"}`, NOW_MS)).toBe('created')
      }
      expect(await store.policies.put('provider', '{}', NOW_MS)).toBe('replaced')
      expect(await store.policies.get('provider')).toBe('{}')
      expect(await store.policies.get('tenant:globex')).toBeUndefined()
      const scopes = async (policies: Promise<Array<{ scope: string }>>) =>
        (await policies).map(({ scope }) => scope)
      const named = store.policies.listFor({ tenant: 'acme', vm: 'vm1' })
      expect(await scopes(named)).toEqual(['provider', 'tenant:acme', 'vm:vm1'])
      const others = store.policies.listFor({ tenant: 'none', vm: 'vm1' })
      expect(await scopes(others)).toEqual(['provider', 'vm:vm1'])
      expect(await scopes(store.policies.listFor({}))).toEqual(['provider'])
      const layers = await scopes(store.policies.listOfTenant('acme'))
      expect(layers).toEqual(['provider', 'tenant:acme', 'vm:vm1'])
      await store.vms.delete('vm1')
      expect(await store.policies.get('vm:vm1')).toBeUndefined()
      expect(await store.tenants.delete('acme')).toBe('deleted')
      expect(await scopes(store.policies.listOfTenant('acme'))).toEqual(['provider'])
      await expect(store.policies.put('vm:vm1', '{}', NOW_MS)).rejects.toMatchObject({
        code: 'ERR_STORE',
      })
    })

    test('drops optional fields that a replacement leaves out', async () => {
      await fill()
      const guid = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'
      const full: Vm = { ...vm, guid, address: 'web.example', port: 3390 }
      await store.vms.put(full, NOW_MS)
      expect(await store.vms.get('vm1')).toEqual(full)
      await store.vms.put(vm, NOW_MS)
      expect(await store.vms.get('vm1')).toEqual(vm)
    })

    test('lists a part: so many, behind an id that need not be there', async () => {
      for (const id of ['a', 'c', 'd']) await store.tenants.put({ id, name: id }, NOW_MS)
      const ids = async (page?: IdPage) => (await store.tenants.list(page)).map(({ id }) => id)
      expect(await ids()).toEqual(['a', 'c', 'd'])
      expect(await ids({ limit: 2 })).toEqual(['a', 'c'])
      expect(await ids({ after: 'b', limit: 1 })).toEqual(['c'])
      expect(await ids({ after: 'c' })).toEqual(['d'])
      expect(await ids({ after: 'd' })).toEqual([])
    })

    test('lists in the order of ids', async () => {
      await fill()
      await store.vms.put({ ...vm, id: 'vm0', name: 'zeta' }, NOW_MS)
      expect((await store.vms.list()).map(({ id }) => id)).toEqual(['vm0', 'vm1'])
      expect(await store.hosts.list()).toEqual([host])
      expect(await store.tenants.list()).toEqual([{ id: 'acme', name: 'Acme' }])
    })

    test('answers undefined for what it does not know', async () => {
      expect(await store.tenants.get('x')).toBeUndefined()
      expect(await store.hosts.get('x')).toBeUndefined()
      expect(await store.vms.get('x')).toBeUndefined()
      expect(await store.vms.getPlacement('x')).toBeUndefined()
      expect(await store.users.get('x')).toBeUndefined()
      expect(await store.grants.get('x')).toBeUndefined()
      expect(await store.sessions.get('x')).toBeUndefined()
      expect(await store.keys.findBySha256('x')).toBeUndefined()
    })

    test('reads a machine with its host and tenant', async () => {
      await fill()
      const placement = { vm, host, tenant: { id: 'acme', name: 'Acme' } }
      expect(await store.vms.getPlacement('vm1')).toEqual(placement)
      expect(await store.vms.listPlacements('acme')).toEqual([placement])
      expect(await store.vms.listPlacements('other')).toEqual([])
    })

    test('deletes nothing that others still name', async () => {
      await fill()
      await store.users.put(user, NOW_MS)
      expect(await store.hosts.delete('hv1')).toBe('in-use')
      expect(await store.tenants.delete('acme')).toBe('in-use')
      expect(await store.vms.delete('vm1')).toBe('deleted')
      expect(await store.vms.delete('vm1')).toBe('not-found')
      expect(await store.hosts.delete('hv1')).toBe('deleted')
      expect(await store.hosts.delete('hv1')).toBe('not-found')
      expect(await store.tenants.delete('acme')).toBe('in-use')
    })

    test('refuses a machine on a host that does not exist, and goes on', async () => {
      await fill()
      const writes = await Promise.allSettled([
        store.vms.put({ ...vm, id: 'before' }, NOW_MS),
        store.vms.put({ ...vm, id: 'bad', host: 'nowhere' }, NOW_MS),
        store.vms.put({ ...vm, id: 'after' }, NOW_MS),
      ])
      expect(writes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect(writes[1]).toMatchObject({ reason: { code: 'ERR_STORE' } })
      expect((await store.vms.list()).map(({ id }) => id)).toEqual(['after', 'before', 'vm1'])
    })

    test('refuses text over the limit of its column', async () => {
      const tenant = { id: 'acme', name: 'n'.repeat(201) }
      await expect(store.tenants.put(tenant, NOW_MS)).rejects.toMatchObject({ code: 'ERR_STORE' })
    })

    test('keeps users, with and without a tenant', async () => {
      await fill()
      expect(await store.users.put(user, NOW_MS)).toBe('created')
      expect(await store.users.get(user.id)).toEqual(user)
      const { tenant: _, ...nobody } = user
      const operator: User = { ...nobody, roles: ['support', 'operator'] }
      expect(await store.users.put(operator, NOW_MS)).toBe('replaced')
      expect(await store.users.get(user.id)).toEqual(operator)
    })

    test('puts the first API key once, even when two try at the same time', async () => {
      const second = { ...key, id: 'k2', keySha256: 'b'.repeat(64) }
      const outcomes = await Promise.all([store.keys.putFirst(key), store.keys.putFirst(second)])
      expect(outcomes).toEqual([true, false])
      expect(await store.keys.findBySha256(key.keySha256)).toEqual(key)
      await store.keys.revoke('k1', NOW_MS)
      expect(await store.keys.putFirst(second)).toBe(false)
    })

    test('finds an API key by its hash until it is revoked', async () => {
      expect(await store.keys.put(key)).toBe('created')
      expect(await store.keys.findBySha256(key.keySha256)).toEqual(key)
      expect(await store.keys.revoke('k1', NOW_MS)).toBe(true)
      expect(await store.keys.findBySha256(key.keySha256)).toBeUndefined()
      expect(await store.keys.revoke('k2', NOW_MS)).toBe(false)
      expect(await store.keys.put(key)).toBe('replaced')
      expect(await store.keys.findBySha256(key.keySha256)).toEqual(key)
    })

    test('revokes a key only as the others allow, of two at the same time one', async () => {
      await store.keys.put(key)
      await store.keys.put({ ...key, id: 'k2', keySha256: 'b'.repeat(64) })
      const oneStays = (others: readonly ApiKey[]) =>
        others.some(({ revokedAtMs }) => revokedAtMs === undefined)
      const revoke = (id: string) => store.keys.revoke(id, NOW_MS, oneStays)
      expect(await Promise.all([revoke('k1'), revoke('k2')])).toEqual([true, false])
      expect(await store.keys.get('k2')).not.toHaveProperty('revokedAtMs')
    })

    test('keeps keys with their roles, their end and their last use, and never gives an id twice', async () => {
      const brief: ApiKey = { ...key, id: 'k2', keySha256: 'b'.repeat(64), expiresAtMs: NOW_MS + 1 }
      expect(await store.keys.insert(brief)).toBe(true)
      expect(await store.keys.insert(key)).toBe(true)
      expect(await store.keys.insert({ ...key, keySha256: 'c'.repeat(64) })).toBe(false)
      await store.keys.touch('k1', NOW_MS + 5)
      await store.keys.touch('none', NOW_MS)
      await store.keys.revoke('k2', NOW_MS + 6)
      const used = { ...key, lastUsedAtMs: NOW_MS + 5 }
      expect(await store.keys.get('k1')).toEqual(used)
      expect(await store.keys.list()).toEqual([used, { ...brief, revokedAtMs: NOW_MS + 6 }])
      expect(await store.keys.insert(brief)).toBe(false)
    })

    test('binds a key to tenants, as long as they are there', async () => {
      for (const id of ['acme', 'globex']) await store.tenants.put({ id, name: id }, NOW_MS)
      const panel: ApiKey = { ...key, roles: ['portal'], tenants: ['acme', 'globex'] }
      await store.keys.insert(panel)
      expect(await store.keys.findBySha256(key.keySha256)).toEqual(panel)
      expect(await store.tenants.delete('globex')).toBe('deleted')
      expect(await store.keys.get('k1')).toEqual({ ...panel, tenants: ['acme'] })
      await expect(
        store.keys.insert({ ...panel, id: 'k2', keySha256: 'b'.repeat(64), tenants: ['none'] }),
      ).rejects.toMatchObject({ code: 'ERR_STORE' })
      expect(await store.keys.get('k2')).toBeUndefined()
    })

    test('counts and lists the grants of a user that are open', async () => {
      const insert = (id: string, changes: Partial<Grant> = {}) =>
        store.grants.insert({ ...grant, id, jti: id, ...changes })
      const whose = { tenant: 'acme', user: 'ann' }
      expect(await store.grants.countOpen(whose, NOW_MS)).toBe(0)
      await insert('g1')
      await insert('g2', { expiresAtMs: NOW_MS + 30_000 })
      await insert('g3', { expiresAtMs: NOW_MS + 10_000 })
      await insert('g4', { user: 'bob' })
      await insert('g5', { tenant: 'globex' })
      await store.grants.revoke('g3', NOW_MS)
      const open = (nowMs: number) => store.grants.countOpen(whose, nowMs)
      expect(await open(NOW_MS)).toBe(2)
      expect(await open(NOW_MS + 30_000)).toBe(1)
      expect(await open(NOW_MS + 60_000)).toBe(0)
      const listed = await store.grants.listOpen(whose, NOW_MS)
      expect(listed.map(({ id }) => id).sort()).toEqual(['g1', 'g2'])
    })

    test('keeps a grant when its machine is gone, and the first time of its revocation', async () => {
      await fill()
      await store.grants.insert(grant)
      await store.vms.delete('vm1')
      expect(await store.grants.get('g1')).toEqual(grant)
      expect(await store.grants.revoke('g1', NOW_MS + 1)).toBe(true)
      expect(await store.grants.revoke('g1', NOW_MS + 2)).toBe(true)
      expect(await store.grants.get('g1')).toEqual({ ...grant, revokedAtMs: NOW_MS + 1 })
      expect(await store.grants.revoke('g2', NOW_MS)).toBe(false)
    })

    test('never takes one jti twice', async () => {
      await store.grants.insert(grant)
      await expect(store.grants.insert({ ...grant, id: 'g2' })).rejects.toMatchObject({
        code: 'ERR_STORE',
      })
    })

    test('finds a grant by its token, and the newest of a reference', async () => {
      await store.grants.insert(grant)
      const newer = { ...grant, id: 'g2', jti: 'j2', createdAtMs: NOW_MS + 1 }
      await store.grants.insert({ ...newer, clientAddress: '2001:db8::/64' })
      expect(await store.grants.findByRef(grant.ref)).toMatchObject({ id: 'g2' })
      expect(await store.grants.findByRef('0000-0000')).toBeUndefined()
      expect(await store.grants.findByJti('j1')).toEqual(grant)
      expect(await store.grants.findByJti('j3')).toBeUndefined()
    })

    test('forgets grants and sessions after their time', async () => {
      await fill()
      await store.users.put(user, NOW_MS)
      await store.grants.insert(grant)
      const session = {
        tokenSha256: 'b'.repeat(64),
        user: user.id,
        createdAtMs: NOW_MS,
        lastSeenAtMs: NOW_MS,
        expiresAtMs: NOW_MS + 1_000,
      }
      expect(await store.sessions.insert(session, user.passwordHash)).toBe(true)
      expect(await store.grants.deleteExpiredBefore(grant.expiresAtMs)).toBe(0)
      expect(await store.grants.deleteExpiredBefore(grant.expiresAtMs + 1)).toBe(1)
      expect(await store.sessions.deleteExpiredBefore(session.expiresAtMs)).toBe(0)
      expect(await store.sessions.deleteExpiredBefore(session.expiresAtMs + 1)).toBe(1)
    })

    test('keeps a session, its last use, and ends it', async () => {
      await fill()
      await store.users.put(user, NOW_MS)
      const session = {
        tokenSha256: 'c'.repeat(64),
        user: user.id,
        createdAtMs: NOW_MS,
        lastSeenAtMs: NOW_MS,
        expiresAtMs: NOW_MS + 1_000,
      }
      expect(await store.sessions.insert(session, user.passwordHash)).toBe(true)
      await store.sessions.touch(session.tokenSha256, NOW_MS + 500)
      expect(await store.sessions.get(session.tokenSha256)).toEqual({
        ...session,
        lastSeenAtMs: NOW_MS + 500,
      })
      await store.sessions.delete(session.tokenSha256)
      await store.sessions.delete(session.tokenSha256)
      expect(await store.sessions.get(session.tokenSha256)).toBeUndefined()
    })

    test('opens no session with a password that is no longer the one', async () => {
      await fill()
      await store.users.put(user, NOW_MS)
      const session = {
        tokenSha256: 'd'.repeat(64),
        user: user.id,
        createdAtMs: NOW_MS,
        lastSeenAtMs: NOW_MS,
        expiresAtMs: NOW_MS + 1_000,
      }
      expect(await store.sessions.insert(session, 'scrypt$another')).toBe(false)
      expect(await store.sessions.insert({ ...session, user: 'nobody' }, user.passwordHash)).toBe(
        false,
      )
      await store.users.put({ ...user, disabled: true }, NOW_MS)
      expect(await store.sessions.insert(session, user.passwordHash)).toBe(false)
      expect(await store.sessions.get(session.tokenSha256)).toBeUndefined()
      expect(await store.users.get(user.id)).toEqual({ ...user, disabled: true })
    })

    test('takes many writes at once', async () => {
      await fill()
      const ids = Array.from({ length: 200 }, (_, index) => `vm-${index}`)
      await Promise.all(ids.map((id) => store.vms.put({ ...vm, id }, NOW_MS)))
      expect(await store.vms.list()).toHaveLength(201)
    })

    inventoryContract(() => store)
    trustContract(() => store)
    timelineContract(() => store)
    auditContract(() => store)
  })
}
