import { beforeEach, expect, test } from 'vitest'
import { seedDemoStore } from '../../src/cli/seed.ts'
import type { SeedContent } from '../../src/demo/index.ts'
import { openSqliteStore, type Store } from '../../src/store/index.ts'
import { writeFiles } from './run-command.ts'

const CONTENT: SeedContent = {
  tenant: { id: 'demo', name: 'Demo' },
  users: [{ id: 'tenant', password: 'one two three', tenant: 'demo' }],
  apiKey: `pck_demo_${Buffer.alloc(32).toString('base64url')}`,
  hosts: [{ id: 'demo-host', kind: 'rdp', address: '127.0.0.1', port: 40_001 }],
  vms: [{ id: 'vm-alpha', name: 'alpha', host: 'demo-host' }],
}

let file: string

beforeEach(() => {
  file = `${writeFiles({}).directory}/store.sqlite`
})

async function inStore<Result>(work: (store: Store) => Promise<Result>): Promise<Result> {
  const store = await openSqliteStore({ file })
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

test('a new data directory has a host that is switched on', async () => {
  await seedDemoStore(file, CONTENT)
  await inStore(async ({ hosts, vms }) => {
    const host = { id: 'demo-host', kind: 'rdp', address: '127.0.0.1', port: 40_001 }
    expect(await hosts.list()).toEqual([{ ...host, identify: 'fqdn', consoleAllow: true }])
    expect(await vms.list()).toEqual([
      { id: 'vm-alpha', name: 'alpha', tenant: 'demo', host: 'demo-host' },
    ])
  })
})

test('what was changed since stays at the next start, and the host is where it listens then', async () => {
  await seedDemoStore(file, CONTENT)
  await inStore(async ({ tenants, hosts, vms }) => {
    await hosts.allowConsole('demo-host', false, 0)
    await tenants.put({ id: 'demo', name: 'Renamed' }, 0)
    await tenants.put({ id: 'other', name: 'Other' }, 0)
    await vms.put({ id: 'vm-alpha', name: 'Mine', tenant: 'other', host: 'demo-host' }, 0)
  })
  const [host] = CONTENT.hosts
  await seedDemoStore(file, { ...CONTENT, hosts: host ? [{ ...host, port: 40_002 }] : [] })
  await inStore(async ({ tenants, hosts, vms }) => {
    expect(await hosts.get('demo-host')).toMatchObject({ port: 40_002, consoleAllow: false })
    expect(await tenants.get('demo')).toEqual({ id: 'demo', name: 'Renamed' })
    expect(await vms.list()).toMatchObject([{ id: 'vm-alpha', name: 'Mine', tenant: 'other' }])
  })
})
