import type { Kysely } from 'kysely'
import { createHosts, createTenants, createVms } from './inventory.ts'
import type { Database } from './schema.ts'
import type { Inventory } from './store.ts'

export function createInventory(db: Kysely<Database>): Inventory {
  return {
    change: (decide, nowMs) =>
      db.transaction().execute(async (transaction) => {
        const tenants = createTenants(transaction)
        const hosts = createHosts(transaction)
        const vms = createVms(transaction)
        const { result, put } = decide({
          tenants: await tenants.list(),
          hosts: await hosts.list(),
          vms: await vms.list(),
        })
        // In this order: machines refer to both of the others.
        for (const tenant of put.tenants ?? []) await tenants.put(tenant, nowMs)
        for (const host of put.hosts ?? []) await hosts.put(host, nowMs)
        for (const vm of put.vms ?? []) await vms.put(vm, nowMs)
        return result
      }),
  }
}
