import { type Kysely, sql } from 'kysely'
import { createPortalSessions, createUsers } from './accounts.ts'
import { createApiKeys } from './api-keys.ts'
import { createAudit } from './audit.ts'
import { createGrants } from './grants.ts'
import { createHostProbes } from './host-probes.ts'
import { createHosts, createTenants, createVms } from './inventory.ts'
import { createInventory } from './inventory-change.ts'
import { createLeases } from './leases.ts'
import { createNodes } from './nodes.ts'
import { createPolicies } from './policies.ts'
import { createRedeems } from './redeems.ts'
import type { Database } from './schema.ts'
import type { Store } from './store.ts'
import { createTimeline } from './timeline.ts'
import { createRevocations, createTrust, createVerifiers } from './trust.ts'

/** The store over any engine that Kysely speaks to, its tables already migrated. */
export function createSqlStore(db: Kysely<Database>): Store {
  return {
    tenants: createTenants(db),
    hosts: createHosts(db),
    hostProbes: createHostProbes(db),
    vms: createVms(db),
    inventory: createInventory(db),
    policies: createPolicies(db),
    users: createUsers(db),
    keys: createApiKeys(db),
    grants: createGrants(db),
    sessions: createPortalSessions(db),
    redeems: createRedeems(db),
    leases: createLeases(db),
    revocations: createRevocations(db),
    trust: createTrust(db),
    verifiers: createVerifiers(db),
    nodes: createNodes(db),
    timeline: createTimeline(db),
    audit: createAudit(db),
    async check() {
      await sql`select 1`.execute(db)
    },
    close: () => db.destroy(),
  }
}
