import type { Kysely } from 'kysely'
import type { Host, Tenant, Vm } from './records.ts'
import { stamped } from './rows.ts'
import type { Database, HostRow, TenantRow, VmRow } from './schema.ts'

// Each replaces all of a record but when it was made, and counts the replacements.

export function toTenantRow({ id, name }: Tenant, nowMs: number): TenantRow {
  return { id, name, ...stamped(nowMs) }
}

export function upsertTenants(db: Kysely<Database>, rows: TenantRow[]) {
  return db
    .insertInto('tenants')
    .values(rows)
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet(({ ref, eb }) => ({
        name: ref('excluded.name'),
        updatedAtMs: ref('excluded.updatedAtMs'),
        revision: eb('tenants.revision', '+', 1),
      })),
    )
}

export function toHostRow(
  { id, kind, address, port, identify, names = {}, consoleAllow, consoleMode, pin, nla }: Host,
  nowMs: number,
): HostRow {
  return {
    ...{ id, kind, address, port, identify },
    nameFqdn: names.fqdn ?? null,
    nameName: names.name ?? null,
    nameIpv4: names.ipv4 ?? null,
    nameIpv6: names.ipv6 ?? null,
    consoleAllow: consoleAllow ? 1 : 0,
    consoleMode: consoleMode ?? null,
    pin: pin ?? null,
    nla: nla ?? null,
    ...stamped(nowMs),
  }
}

export function upsertHosts(db: Kysely<Database>, rows: HostRow[]) {
  return db
    .insertInto('hosts')
    .values(rows)
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet(({ ref, eb }) => ({
        kind: ref('excluded.kind'),
        address: ref('excluded.address'),
        port: ref('excluded.port'),
        identify: ref('excluded.identify'),
        nameFqdn: ref('excluded.nameFqdn'),
        nameName: ref('excluded.nameName'),
        nameIpv4: ref('excluded.nameIpv4'),
        nameIpv6: ref('excluded.nameIpv6'),
        consoleAllow: ref('excluded.consoleAllow'),
        consoleMode: ref('excluded.consoleMode'),
        pin: ref('excluded.pin'),
        nla: ref('excluded.nla'),
        updatedAtMs: ref('excluded.updatedAtMs'),
        revision: eb('hosts.revision', '+', 1),
      })),
    )
}

export function toVmRow({ id, name, tenant, host, guid, address, port }: Vm, nowMs: number): VmRow {
  return {
    ...{ id, name, tenant, host },
    guid: guid ?? null,
    address: address ?? null,
    port: port ?? null,
    ...stamped(nowMs),
  }
}

export function upsertVms(db: Kysely<Database>, rows: VmRow[]) {
  return db
    .insertInto('vms')
    .values(rows)
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet(({ ref, eb }) => ({
        name: ref('excluded.name'),
        tenant: ref('excluded.tenant'),
        host: ref('excluded.host'),
        guid: ref('excluded.guid'),
        address: ref('excluded.address'),
        port: ref('excluded.port'),
        updatedAtMs: ref('excluded.updatedAtMs'),
        revision: eb('vms.revision', '+', 1),
      })),
    )
}
