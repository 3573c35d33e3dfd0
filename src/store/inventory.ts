import type { Kysely, Selectable } from 'kysely'
import {
  toHostRow,
  toTenantRow,
  toVmRow,
  upsertHosts,
  upsertTenants,
  upsertVms,
} from './inventory-upserts.ts'
import { prepare } from './prepare.ts'
import type { Host, Tenant, Vm, VmPlacement } from './records.ts'
import { deleted, present } from './rows.ts'
import type { Database, HostRow, TenantRow, VmRow } from './schema.ts'
import type { Hosts, PutOutcome, Tenants, Vms } from './store.ts'

export function createTenants(db: Kysely<Database>): Tenants {
  const get: Tenants['get'] = async (id) => {
    const row = await db.selectFrom('tenants').selectAll().where('id', '=', id).executeTakeFirst()
    return row && toTenant(row)
  }

  return {
    get,
    async put(tenant, nowMs) {
      const query = upsertTenants(db, [toTenantRow(tenant, nowMs)]).returning('revision')
      return toOutcome(await query.executeTakeFirstOrThrow())
    },
    async list({ after = '', limit } = {}) {
      const rows = await db
        .selectFrom('tenants')
        .selectAll()
        .where('id', '>', after)
        .$if(limit !== undefined, (query) => query.limit(limit ?? 0))
        .orderBy('id')
        .execute()
      return rows.map(toTenant)
    },
    async delete(id) {
      const result = await db
        .deleteFrom('tenants')
        .where('id', '=', id)
        .where(({ not, exists, selectFrom }) =>
          not(exists(selectFrom('vms').select('id').where('tenant', '=', id))),
        )
        .where(({ not, exists, selectFrom }) =>
          not(exists(selectFrom('users').select('id').where('tenant', '=', id))),
        )
        .executeTakeFirst()
      return deleted(result, () => get(id))
    },
  }
}

export function createHosts(db: Kysely<Database>): Hosts {
  const get: Hosts['get'] = async (id) => {
    const row = await db.selectFrom('hosts').selectAll().where('id', '=', id).executeTakeFirst()
    return row && toHost(row)
  }

  return {
    get,
    async put(host, nowMs) {
      const query = upsertHosts(db, [toHostRow(host, nowMs)]).returning('revision')
      return toOutcome(await query.executeTakeFirstOrThrow())
    },
    async list({ after = '', limit } = {}) {
      const rows = await db
        .selectFrom('hosts')
        .selectAll()
        .where('id', '>', after)
        .$if(limit !== undefined, (query) => query.limit(limit ?? 0))
        .orderBy('id')
        .execute()
      return rows.map(toHost)
    },
    async delete(id) {
      const result = await db
        .deleteFrom('hosts')
        .where('id', '=', id)
        .where(({ not, exists, selectFrom }) =>
          not(exists(selectFrom('vms').select('id').where('host', '=', id))),
        )
        .executeTakeFirst()
      return deleted(result, () => get(id))
    },
    async allowConsole(id, allow, nowMs) {
      const { numUpdatedRows } = await db
        .updateTable('hosts')
        .set(({ eb }) => ({
          consoleAllow: allow ? 1 : 0,
          updatedAtMs: nowMs,
          revision: eb('revision', '+', 1),
        }))
        .where('id', '=', id)
        .executeTakeFirst()
      return numUpdatedRows > 0n
    },
  }
}

export function createVms(db: Kysely<Database>): Vms {
  const get: Vms['get'] = async (id) => {
    const row = await db.selectFrom('vms').selectAll().where('id', '=', id).executeTakeFirst()
    return row && toVm(row)
  }
  const placementOf = prepare(db, ({ id }: Pick<VmRow, 'id'>) =>
    selectPlacements(db).where('vms.id', '=', id),
  )

  return {
    get,
    async put(vm, nowMs) {
      const query = upsertVms(db, [toVmRow(vm, nowMs)]).returning('revision')
      return toOutcome(await query.executeTakeFirstOrThrow())
    },
    async list({ after = '', limit, tenant, host } = {}) {
      const rows = await db
        .selectFrom('vms')
        .selectAll()
        .where('id', '>', after)
        .$if(tenant !== undefined, (query) => query.where('tenant', '=', tenant ?? ''))
        .$if(host !== undefined, (query) => query.where('host', '=', host ?? ''))
        .$if(limit !== undefined, (query) => query.limit(limit ?? 0))
        .orderBy('id')
        .execute()
      return rows.map(toVm)
    },
    async delete(id) {
      const result = await db.deleteFrom('vms').where('id', '=', id).executeTakeFirst()
      return deleted(result, () => get(id))
    },
    async listWithoutGuid(host, limit) {
      const rows = await db
        .selectFrom('vms')
        .select('id')
        .where('host', '=', host)
        .where('guid', 'is', null)
        .orderBy('id')
        .limit(limit)
        .execute()
      return rows.map(({ id }) => id)
    },
    async getPlacement(id) {
      const [row] = await placementOf({ id })
      return row && toPlacement(row)
    },
    async listPlacements(tenant) {
      const rows = await selectPlacements(db)
        .where('vms.tenant', '=', tenant)
        .orderBy('vms.name')
        .orderBy('vms.id')
        .execute()
      return rows.map(toPlacement)
    },
  }
}

/** A record's first revision is 1. */
function toOutcome({ revision }: { revision: number }): PutOutcome {
  return revision === 1 ? 'created' : 'replaced'
}

function selectPlacements(db: Kysely<Database>) {
  return db
    .selectFrom('vms')
    .innerJoin('hosts', 'hosts.id', 'vms.host')
    .innerJoin('tenants', 'tenants.id', 'vms.tenant')
    .selectAll('vms')
    .select([
      'tenants.name as tenantName',
      'hosts.kind as hostKind',
      'hosts.address as hostAddress',
      'hosts.port as hostPort',
      'hosts.identify as hostIdentify',
      'hosts.nameFqdn as hostNameFqdn',
      'hosts.nameName as hostNameName',
      'hosts.nameIpv4 as hostNameIpv4',
      'hosts.nameIpv6 as hostNameIpv6',
      'hosts.consoleAllow as hostConsoleAllow',
      'hosts.consoleMode as hostConsoleMode',
      'hosts.pin as hostPin',
      'hosts.nla as hostNla',
    ])
}

interface PlacementRow extends VmRow {
  tenantName: string
  hostKind: HostRow['kind']
  hostAddress: string
  hostPort: number
  hostIdentify: HostRow['identify']
  hostNameFqdn: string | null
  hostNameName: string | null
  hostNameIpv4: string | null
  hostNameIpv6: string | null
  hostConsoleAllow: HostRow['consoleAllow']
  hostConsoleMode: HostRow['consoleMode']
  hostPin: HostRow['pin']
  hostNla: HostRow['nla']
}

function toPlacement(row: PlacementRow): VmPlacement {
  return {
    vm: toVm(row),
    tenant: { id: row.tenant, name: row.tenantName },
    host: toHost({
      id: row.host,
      kind: row.hostKind,
      address: row.hostAddress,
      port: row.hostPort,
      identify: row.hostIdentify,
      nameFqdn: row.hostNameFqdn,
      nameName: row.hostNameName,
      nameIpv4: row.hostNameIpv4,
      nameIpv6: row.hostNameIpv6,
      consoleAllow: row.hostConsoleAllow,
      consoleMode: row.hostConsoleMode,
      pin: row.hostPin,
      nla: row.hostNla,
    }),
  }
}

function toTenant({ id, name }: Selectable<TenantRow>): Tenant {
  return { id, name }
}

function toHost(row: Omit<HostRow, 'revision' | 'createdAtMs' | 'updatedAtMs'>): Host {
  const { id, kind, address, port, identify, consoleAllow, consoleMode, pin, nla } = row
  const { nameFqdn: fqdn, nameName: name, nameIpv4: ipv4, nameIpv6: ipv6 } = row
  const names = present({ fqdn, name, ipv4, ipv6 })
  return {
    ...present({ id, kind, address, port, identify, consoleMode, pin, nla }),
    ...(Object.keys(names).length === 0 ? {} : { names }),
    consoleAllow: consoleAllow === 1,
  }
}

function toVm({ id, name, tenant, host, guid, address, port }: Selectable<VmRow>): Vm {
  return present({ id, name, tenant, host, guid, address, port })
}
