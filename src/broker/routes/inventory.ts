import type { Clock } from '../../lib/index.ts'
import type { Host, Store, Vm } from '../../store/index.ts'
import { consoleSetting } from '../console-access.ts'
import { type FieldError, missing, notFound } from '../errors.ts'
import { completeNames, type HostResolver } from '../host-names.ts'
import type { HostProbes } from '../host-probes.ts'
import { renderStanding } from '../host-state-schemas.ts'
import { needsGuid, renderHost, toHost, toTenant, toVm } from '../inventory-records.ts'
import type { Policies } from '../policies.ts'
import { defineRoute, type Route } from '../route.ts'
import {
  type HostBody,
  hostBody,
  hostShape,
  tenantBody,
  tenantShape,
  type VmBody,
  vmBody,
  vmQuery,
  vmShape,
} from '../schemas.ts'
import { invalid } from '../validate.ts'
import { resourceRoutes } from './resource.ts'

/** Machines that one refusal names. */
const MAX_NAMED = 10

export interface InventoryRouteOptions {
  store: Store
  policies: Pick<Policies, 'effective' | 'ofTenant'>
  probes: Pick<HostProbes, 'probe' | 'standings'>
  resolver: HostResolver
  clock: Clock
}

/** Tenants, hosts and machines. */
export function inventoryRoutes(options: InventoryRouteOptions): Route[] {
  const { store, policies, resolver, clock } = options
  return [
    ...resourceRoutes({
      name: 'tenant',
      body: tenantBody,
      shape: tenantShape,
      records: store.tenants,
      put: (id, body) => store.tenants.put(toTenant(id, body), clock.now()),
      render: (records) => records,
      inUse: 'The tenant still has machines or users.',
    }),
    ...resourceRoutes({
      name: 'host',
      body: hostBody,
      shape: hostShape,
      records: store.hosts,
      async put(id, body) {
        await checkGuids(store, id, body)
        const names = await completeNames(body, resolver)
        return store.hosts.put(toHost(id, { ...body, names }), clock.now())
      },
      render: (records) => renderHosts(options, records),
      inUse: 'The host still has machines.',
    }),
    hostProbeRoute(options),
    ...resourceRoutes({
      name: 'vm',
      body: vmBody,
      shape: vmShape,
      query: vmQuery,
      records: store.vms,
      async put(id, body) {
        await checkReferences(store, body)
        return store.vms.put(toVm(id, body), clock.now())
      },
      render: (records) => renderVms(store, policies, records),
      inUse: 'The machine is still in use.',
    }),
  ]
}

/** What holds for a host is before tenants and machines have their say. */
async function renderHosts({ policies, probes }: InventoryRouteOptions, hosts: Host[]) {
  const policy = await policies.effective({})
  const standings = await probes.standings(hosts)
  return hosts.map((host) => ({
    ...renderHost(host),
    effectiveConsole: consoleSetting(host, policy),
    ...renderStanding(standings.get(host.id)),
  }))
}

function hostProbeRoute(options: InventoryRouteOptions): Route {
  const { store, probes } = options
  return defineRoute({
    method: 'post',
    path: '/v1/hosts/{id}/probe',
    operationId: 'probeHost',
    summary: 'Have every node look at a host now, opted in or not; takes up to 12 s',
    access: 'inventory.write',
    answers: {
      '200': {
        description: 'How they found it.',
        content: { 'application/json': { schema: hostShape } },
      },
    },
    async handle({ id }) {
      await probes.probe(id)
      const host = await store.hosts.get(id)
      if (host === undefined) throw notFound('host', id)
      const [body] = await renderHosts(options, [host])
      return { status: 200, body }
    },
  })
}

/** One read of the hosts, and one of each tenant's policies. */
async function renderVms(store: Store, policies: InventoryRouteOptions['policies'], vms: Vm[]) {
  const hosts = new Map((await store.hosts.list()).map((host) => [host.id, host]))
  const tenants = [...new Set(vms.map(({ tenant }) => tenant))]
  const ofTenants = await Promise.all(
    tenants.map(async (tenant) => [tenant, await policies.ofTenant(tenant)] as const),
  )
  const policyOf = new Map(ofTenants)
  return vms.map((vm) => {
    const host = hosts.get(vm.host)
    const policy = policyOf.get(vm.tenant)?.(vm.id)
    // Both are there as long as the machine is.
    if (host === undefined || policy === undefined) return vm
    return { ...vm, effectiveConsole: consoleSetting(host, policy) }
  })
}

/** Of a kind that finds machines by GUID, no host may have machines without one. */
async function checkGuids(store: Store, id: string, { kind }: HostBody): Promise<void> {
  if (!needsGuid(kind)) return
  const found = await store.vms.listWithoutGuid(id, MAX_NAMED + 1)
  if (found.length === 0) return
  const named = found.slice(0, MAX_NAMED).join(', ')
  const more = found.length > MAX_NAMED ? ' and others' : ''
  const message = `machines on it have no guid, which ${kind} needs: ${named}${more}`
  throw invalid([{ field: 'kind', message }])
}

async function checkReferences(store: Store, body: VmBody): Promise<void> {
  const [tenant, host] = await Promise.all([
    store.tenants.get(body.tenant),
    store.hosts.get(body.host),
  ])
  const errors: FieldError[] = []
  if (tenant === undefined) errors.push(missing('tenant', 'tenant', body.tenant))
  if (host === undefined) errors.push(missing('host', 'host', body.host))
  if (body.guid === undefined && needsGuid(host?.kind)) {
    errors.push({ field: 'guid', message: `needed on a host of kind ${host?.kind}` })
  }
  if (errors.length > 0) throw invalid(errors)
}
