import { seedStore } from '../broker/index.ts'
import type { SeedContent } from '../demo/index.ts'
import { Secret, systemClock } from '../lib/index.ts'
import { openSqliteStore } from '../store/index.ts'

/** Fills the demo's store before its broker opens it; the same content again changes nothing. */
export async function seedDemoStore(storeFile: string, content: SeedContent): Promise<void> {
  const { tenant, users, apiKey, hosts, vms } = content
  const store = await openSqliteStore({ file: storeFile })
  try {
    await seedStore(
      store,
      {
        tenants: [tenant],
        hosts: hosts.map((host) => ({ ...host, identify: 'fqdn', consoleAllow: true })),
        vms: vms.map((vm) => ({ ...vm, tenant: tenant.id })),
        users: users.map(({ password, ...user }) => ({ ...user, password: new Secret(password) })),
        apiKeys: [{ label: 'demo', key: new Secret(apiKey) }],
      },
      systemClock,
    )
  } finally {
    await store.close()
  }
}
