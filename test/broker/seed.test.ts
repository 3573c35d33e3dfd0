import { expect, test } from 'vitest'
import { secretSha256 } from '../../src/broker/api-keys.ts'
import { createApiKey, type Seed, seedStore } from '../../src/broker/index.ts'
import { verifyPassword } from '../../src/broker/passwords.ts'
import { Secret } from '../../src/lib/index.ts'
import { openSqliteStore } from '../../src/store/index.ts'

const clock = { now: () => Date.UTC(2030, 0, 1) }
const cheap = { logN: 4, r: 8, p: 1 }
const key = createApiKey('demo')
const seed: Seed = {
  tenants: [{ id: 'acme', name: 'Acme' }],
  hosts: [
    {
      id: 'hv1',
      kind: 'rdp',
      address: '127.0.0.1',
      port: 3389,
      identify: 'ipv4',
      consoleAllow: true,
    },
  ],
  vms: [{ id: 'vm1', name: 'web', tenant: 'acme', host: 'hv1', port: 3390 }],
  users: [
    { id: 'tenant', tenant: 'acme', password: new Secret('one') },
    { id: 'operator', password: new Secret('two') },
  ],
  apiKeys: [{ label: 'demo', key }],
}

test('seeding twice is seeding once', async () => {
  const store = await openSqliteStore({ file: ':memory:' })
  await seedStore(store, seed, clock, cheap)
  const first = await store.users.get('tenant')
  await seedStore(store, seed, clock, cheap)
  expect(await store.users.get('tenant')).toEqual(first)
  expect(await store.vms.list()).toEqual(seed.vms)
  expect(await store.keys.findBySha256(secretSha256(key))).toMatchObject({ id: 'demo' })
  await store.close()
})

test('a changed password or tenant is taken over', async () => {
  const store = await openSqliteStore({ file: ':memory:' })
  await seedStore(store, seed, clock, cheap)
  await seedStore(store, { users: [{ id: 'tenant', password: new Secret('new') }] }, clock, cheap)
  const user = await store.users.get('tenant')
  expect(user).not.toHaveProperty('tenant')
  expect(await verifyPassword(new Secret('new'), user?.passwordHash ?? '')).toBe(true)
  await store.close()
})

test('changed roles are taken over with the same password', async () => {
  const store = await openSqliteStore({ file: ':memory:' })
  await seedStore(store, seed, clock, cheap)
  const before = await store.users.get('operator')
  const users = [{ id: 'operator', password: new Secret('two'), roles: ['operator' as const] }]
  await seedStore(store, { users }, clock, cheap)
  expect(await store.users.get('operator')).toEqual({ ...before, roles: ['operator'] })
  await store.close()
})

test('refuses a key that is none, without showing it', async () => {
  const store = await openSqliteStore({ file: ':memory:' })
  const apiKeys = [{ label: 'demo', key: new Secret('pck_demo_tooshort') }]
  const seeding = seedStore(store, { apiKeys }, clock, cheap)
  await expect(seeding).rejects.toThrow('API key demo: need pck_<id>_<32 random bytes>')
  await store.close()
})
