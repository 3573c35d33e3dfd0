import { isIPv4, isIPv6 } from 'node:net'
import type { Clock } from '../../lib/index.ts'
import type { Host, HostKind, IdentifyMode, Store, Vm } from '../../store/index.ts'
import type { FieldError } from '../errors.ts'
import type { Route } from '../route.ts'
import {
  type HostBody,
  hostBody,
  hostShape,
  tenantBody,
  tenantShape,
  type VmBody,
  vmBody,
  vmShape,
} from '../schemas.ts'
import { invalid } from '../validate.ts'
import { resourceRoutes } from './resource.ts'

const DEFAULT_PORTS: Record<HostKind, number> = { rdp: 3389, hyperv: 2179, agent: 2179, vnc: 5900 }

/** Tenants, hosts and machines. */
export function inventoryRoutes(store: Store, clock: Clock): Route[] {
  return [
    ...resourceRoutes({
      name: 'tenant',
      body: tenantBody,
      shape: tenantShape,
      records: store.tenants,
      put: (id, { name }) => store.tenants.put({ id, name }, clock.now()),
      render: (record) => record,
      inUse: 'The tenant still has machines or users.',
    }),
    ...resourceRoutes({
      name: 'host',
      body: hostBody,
      shape: hostShape,
      records: store.hosts,
      put: (id, body) => store.hosts.put(toHost(id, body), clock.now()),
      render: renderHost,
      inUse: 'The host still has machines.',
    }),
    ...resourceRoutes({
      name: 'vm',
      body: vmBody,
      shape: vmShape,
      records: store.vms,
      async put(id, body) {
        await checkReferences(store, body)
        return store.vms.put(toVm(id, body), clock.now())
      },
      render: (record) => record,
      inUse: 'The machine is still in use.',
    }),
  ]
}

function toHost(id: string, { kind, address, port, identify, console }: HostBody): Host {
  return {
    id,
    kind,
    address,
    port: port ?? DEFAULT_PORTS[kind],
    identify: identify ?? formOf(address),
    consoleAllow: console.allow,
    ...(console.mode === undefined ? {} : { consoleMode: console.mode }),
  }
}

/** The identification mode that an address is already written in. */
function formOf(address: string): IdentifyMode {
  if (isIPv4(address)) return 'ipv4'
  if (isIPv6(address)) return 'ipv6'
  return address.includes('.') ? 'fqdn' : 'name'
}

function renderHost({ consoleAllow, consoleMode, ...host }: Host) {
  return {
    ...host,
    console: { allow: consoleAllow, ...(consoleMode === undefined ? {} : { mode: consoleMode }) },
  }
}

function toVm(id: string, { name, tenant, host, guid, address, port }: VmBody): Vm {
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

async function checkReferences(store: Store, body: VmBody): Promise<void> {
  const [tenant, host] = await Promise.all([
    store.tenants.get(body.tenant),
    store.hosts.get(body.host),
  ])
  const errors: FieldError[] = []
  if (tenant === undefined) errors.push({ field: 'tenant', message: 'there is no such tenant' })
  if (host === undefined) errors.push({ field: 'host', message: 'there is no such host' })
  if (host?.kind === 'hyperv' || host?.kind === 'agent') {
    if (body.guid === undefined) {
      errors.push({ field: 'guid', message: `needed on a host of kind ${host.kind}` })
    }
  }
  if (errors.length > 0) throw invalid(errors)
}
