import { type Seed, seedStore } from '../broker/index.ts'
import type { SeedContent } from '../demo/index.ts'
import { Secret, systemClock } from '../lib/index.ts'
import { openSqliteStore, type Store } from '../store/index.ts'

/**
 * Fills the demo's store before its broker opens it; the same content again changes nothing. What somebody has changed
 * since stays as it is, but for where the hosts are: they listen on other ports in every run.
 */
export async function seedDemoStore(storeFile: string, content: SeedContent): Promise<void> {
  const { users, apiKey } = content
  const store = await openSqliteStore({ file: storeFile })
  try {
    await seedStore(
      store,
      {
        ...(await toInventory(store, content)),
        users: users.map(({ password, ...user }) => ({ ...user, password: new Secret(password) })),
        apiKeys: [{ label: 'demo', key: new Secret(apiKey) }],
      },
      systemClock,
    )
  } finally {
    await store.close()
  }
}

async function toInventory(
  store: Store,
  { tenant, hosts, vms }: SeedContent,
): Promise<Pick<Seed, 'tenants' | 'hosts' | 'vms'>> {
  const knownHosts = await Promise.all(hosts.map(({ id }) => store.hosts.get(id)))
  const knownVms = await Promise.all(vms.map(({ id }) => store.vms.get(id)))
  const newVms = vms.filter((_, index) => knownVms[index] === undefined)
  return {
    tenants: [(await store.tenants.get(tenant.id)) ?? tenant],
    hosts: hosts.map((host, index) => ({
      ...{ identify: 'fqdn', consoleAllow: true },
      ...knownHosts[index],
      ...host,
    })),
    vms: newVms.map((vm) => ({ ...vm, tenant: tenant.id })),
  }
}
