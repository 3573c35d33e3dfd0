import type { Host, HostKind, Tenant, Vm } from '../store/index.ts'
import { formOf } from './host-names.ts'
import type { HostBody, TenantBody, VmBody } from './schemas.ts'

/** From what the API is given to what the store keeps, and back. */

const DEFAULT_PORTS: Record<HostKind, number> = { rdp: 3389, hyperv: 2179, agent: 2179, vnc: 5900 }

export function toTenant(id: string, { name }: TenantBody): Tenant {
  return { id, name }
}

export function toHost(id: string, body: HostBody): Host {
  const { kind, address, port, identify, names = {}, pin, nla, console } = body
  return {
    id,
    kind,
    address,
    port: port ?? DEFAULT_PORTS[kind],
    identify: identify ?? formOf(address),
    ...(Object.keys(names).length === 0 ? {} : { names }),
    consoleAllow: console.allow,
    ...(console.mode === undefined ? {} : { consoleMode: console.mode }),
    ...(pin === undefined ? {} : { pin }),
    ...(nla === undefined ? {} : { nla }),
  }
}

export function renderHost({ consoleAllow, consoleMode, ...host }: Host) {
  return {
    ...host,
    console: { allow: consoleAllow, ...(consoleMode === undefined ? {} : { mode: consoleMode }) },
  }
}

export function toVm(id: string, { name, tenant, host, guid, address, port }: VmBody): Vm {
  return {
    id,
    name,
    tenant,
    host,
    ...(guid === undefined ? {} : { guid }),
    ...(address === undefined ? {} : { address }),
    ...(port === undefined ? {} : { port }),
  }
}

/** Hosts of these kinds find a machine by its GUID. */
export function needsGuid(kind: HostKind | undefined): boolean {
  return kind === 'hyperv' || kind === 'agent'
}
