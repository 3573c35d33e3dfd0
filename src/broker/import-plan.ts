import { setImmediate as nextTurn } from 'node:timers/promises'
import type { InventoryRecords } from '../store/index.ts'
import { type FieldError, missing } from './errors.ts'
import { nameProblem } from './host-names.ts'
import type { ImportAnswer, ImportBody } from './import-schemas.ts'
import { needsGuid, renderHost, toHost, toTenant, toVm } from './inventory-records.ts'
import { invalid } from './validate.ts'

type ImportItem = ImportAnswer['items'][number]

/** What an import comes to. */
export interface ImportPlan {
  items: ImportItem[]
  unchanged: number
  /** What is new or different. */
  put: InventoryRecords
}

/** Rows compared in one turn of the event loop: nodes wait for answers meanwhile. */
const SLICE = 100

/** Errors named in one answer. */
const MAX_ERRORS = 20

/**
 * What rows would change, field by field. A row stands for the whole record, as in `PUT`; what no row names stays as it is.
 *
 * @throws ApiError `validation-failed` naming rows and fields: an id that is there twice, a tenant or host that is not
 *   there, a machine without the GUID that its host needs
 */
export async function planImport(current: InventoryRecords, rows: ImportBody): Promise<ImportPlan> {
  const known = {
    tenants: byId(current.tenants),
    hosts: byId(current.hosts),
    vms: byId(current.vms),
  }
  const wanted: InventoryRecords = {
    tenants: (rows.tenants ?? []).map(({ id, ...body }) => toTenant(id, body)),
    hosts: (rows.hosts ?? []).map(({ id, console, ...body }) => {
      const before = known.hosts.get(id)
      const mode = console?.mode ?? (body.kind === 'hyperv' ? before?.consoleMode : undefined)
      const allow = console?.allow ?? before?.consoleAllow ?? false
      // What was looked up when the host was put stays, as long as it is about this address.
      const names = body.names ?? (before?.address === body.address ? before.names : undefined)
      return toHost(id, {
        ...body,
        ...(names === undefined ? {} : { names }),
        console: { allow, ...(mode === undefined ? {} : { mode }) },
      })
    }),
    vms: (rows.vms ?? []).map(({ id, ...body }) => toVm(id, body)),
  }
  const errors = [...findRepeated(wanted), ...findBroken(current, wanted)]
  if (errors.length > 0) throw invalid(errors.slice(0, MAX_ERRORS))

  const tenants = await compare('tenant', known.tenants, wanted.tenants, (record) => record)
  const hosts = await compare('host', known.hosts, wanted.hosts, renderHost)
  const vms = await compare('vm', known.vms, wanted.vms, (record) => record)
  return {
    items: [...tenants.items, ...hosts.items, ...vms.items],
    unchanged: tenants.unchanged + hosts.unchanged + vms.unchanged,
    put: { tenants: tenants.put, hosts: hosts.put, vms: vms.put },
  }
}

function byId<Item extends { id: string }>(items: Item[]): Map<string, Item> {
  return new Map(items.map((item) => [item.id, item]))
}

function findRepeated(wanted: InventoryRecords): FieldError[] {
  return Object.entries(wanted).flatMap(([sort, records]: [string, { id: string }[]]) => {
    const rowOf = new Map<string, number>()
    return records.flatMap(({ id }, row): FieldError[] => {
      const first = rowOf.get(id)
      rowOf.set(id, first ?? row)
      if (first === undefined) return []
      return [{ field: `${sort}.${row}.id`, message: `row ${first + 1} has the same` }]
    })
  })
}

/** As the inventory would be afterwards: a machine may be on a host of the same import. */
function findBroken(current: InventoryRecords, wanted: InventoryRecords): FieldError[] {
  const tenants = byId([...current.tenants, ...wanted.tenants])
  const hosts = byId([...current.hosts, ...wanted.hosts])
  const inRows = wanted.vms.flatMap(({ tenant, host, guid }, row): FieldError[] => {
    const field = (name: string) => `vms.${row}.${name}`
    const kind = hosts.get(host)?.kind
    return [
      ...(tenants.has(tenant) ? [] : [missing(field('tenant'), 'tenant', tenant)]),
      ...(hosts.has(host) ? [] : [missing(field('host'), 'host', host)]),
      ...(guid === undefined && needsGuid(kind)
        ? [{ field: field('guid'), message: `needed on a host of kind ${kind}` }]
        : []),
    ]
  })
  const named = byId(wanted.vms)
  const staying = current.vms.filter(({ id, guid }) => guid === undefined && !named.has(id))
  const withoutGuid = new Map(staying.map(({ host, id }) => [host, id]))
  const onHosts = wanted.hosts.flatMap((host, row): FieldError[] => {
    const problem = nameProblem(host)
    const vm = needsGuid(host.kind) ? withoutGuid.get(host.id) : undefined
    return [
      ...(problem === undefined
        ? []
        : [{ field: `hosts.${row}.${problem.field}`, message: problem.message }]),
      ...(vm === undefined
        ? []
        : [{ field: `hosts.${row}.kind`, message: `machine ${vm} on it has no guid` }]),
    ]
  })
  return [...onHosts, ...inRows]
}

async function compare<Item extends { id: string }>(
  type: ImportItem['type'],
  known: Map<string, Item>,
  wanted: Item[],
  render: (record: Item) => object,
): Promise<{ items: ImportItem[]; unchanged: number; put: Item[] }> {
  const items: ImportItem[] = []
  const put: Item[] = []
  for (const [row, record] of wanted.entries()) {
    if (row % SLICE === SLICE - 1) await nextTurn()
    const before = known.get(record.id)
    const changes = changesOf(before === undefined ? {} : render(before), render(record))
    if (before !== undefined && changes.length === 0) continue
    items.push({
      type,
      id: record.id,
      outcome: before === undefined ? 'created' : 'changed',
      changes: changes.filter(({ field }) => field !== 'id'),
    })
    put.push(record)
  }
  return { items, unchanged: wanted.length - put.length, put }
}

function changesOf(before: object, after: object): ImportItem['changes'] {
  const [from, to] = [fieldsOf(before), fieldsOf(after)]
  const changes: ImportItem['changes'] = []
  for (const [field, now] of to) {
    const old = from.get(field)
    if (old !== now) changes.push({ field, ...(old === undefined ? {} : { from: old }), to: now })
  }
  for (const [field, old] of from) {
    if (!to.has(field)) changes.push({ field, from: old })
  }
  return changes
}

type FieldValue = string | number | boolean

/** Dotted, as errors name them: `console.allow`. */
function fieldsOf(
  record: object,
  prefix = '',
  fields = new Map<string, FieldValue>(),
): Map<string, FieldValue> {
  for (const [name, value] of Object.entries(record) as [string, unknown][]) {
    if (typeof value === 'object' && value !== null) fieldsOf(value, `${prefix}${name}.`, fields)
    else if (isFieldValue(value)) fields.set(`${prefix}${name}`, value)
  }
  return fields
}

function isFieldValue(value: unknown): value is FieldValue {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
