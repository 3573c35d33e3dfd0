import { BrokerError } from '../lib/index.ts'
import type { Domain, Graphics } from './libvirt-domain.ts'

/** What the inventory knows of a machine. */
export interface KnownVm {
  id: string
  tenant: string
  guid?: string | undefined
  address?: string | undefined
}

export interface LibvirtRowsInput {
  domains: Domain[]
  host: { id: string; kind: string }
  known: KnownVm[]
  /** Of machines that are new; without one, new machines are refused. */
  tenant: string | undefined
  /** What becomes the id of a new machine. */
  ids: 'uuid' | 'name'
}

interface VmRow {
  id: string
  name: string
  tenant: string
  host: string
  guid: string
  address?: string
  port?: number
}

/**
 * Rows for the machines of one host, and what a person should know of them. A machine that is known by its uuid keeps id,
 * tenant and address, whatever libvirt calls it: nobody gets another one's machine by an import.
 *
 * @throws BrokerError `ERR_REFUSED` for a new machine without a tenant, or whose id is another one's
 */
export function libvirtRows(input: LibvirtRowsInput): { rows: VmRow[]; notes: string[] } {
  const { domains, host, known, tenant: newTenant, ids } = input
  const byGuid = new Map(known.map((vm) => [vm.guid, vm]))
  const taken = new Set(known.map(({ id }) => id))
  const rows: VmRow[] = []
  const notes: string[] = []
  for (const domain of domains) {
    const { port, notes: said, reachable } = consoleOf(domain, host.kind)
    notes.push(...said.map((note) => `${domain.name}: ${note}`))
    if (!reachable) continue
    const before = byGuid.get(domain.uuid)
    const id = before?.id ?? (ids === 'uuid' ? domain.uuid : domain.name)
    const tenant = before?.tenant ?? newTenant
    if (tenant === undefined) {
      throw new BrokerError('ERR_REFUSED', `${domain.name}: a new machine, need --tenant`)
    }
    if (before === undefined && taken.has(id)) {
      throw new BrokerError('ERR_REFUSED', `${domain.name}: another machine has the id ${id}`)
    }
    rows.push({
      id,
      name: domain.title ?? domain.name,
      tenant,
      host: host.id,
      guid: domain.uuid,
      ...(before?.address === undefined ? {} : { address: before.address }),
      ...(port === undefined ? {} : { port }),
    })
  }
  return { rows, notes }
}

interface Console {
  /** False: a node could not open it, so it is left out. */
  reachable: boolean
  /** Only where the node dials the machine's own port. */
  port?: number
  notes: string[]
}

/** Agent and Hyper-V find a machine by its uuid; at the others each has a port of its own. */
function consoleOf({ graphics }: Domain, kind: string): Console {
  if (kind === 'agent' || kind === 'hyperv') return { reachable: true, notes: [] }
  const found = graphics.find(({ type }) => type === kind)
  if (found?.port === undefined) {
    const why =
      found === undefined ? `has no ${kind} console` : `its ${kind} console has no port now`
    return { reachable: false, notes: [`left out, ${why}`] }
  }
  return { reachable: true, port: found.port, notes: warningsOf(found) }
}

function warningsOf({ type, autoport, listen = '127.0.0.1' }: Graphics): string[] {
  return [
    ...(autoport ? [`its ${type} port may be another at its next start (autoport)`] : []),
    ...(/^(127\.|::1$|localhost$)/.test(listen)
      ? [`its ${type} console listens on ${listen}, where only this host's own programs reach it`]
      : []),
  ]
}
