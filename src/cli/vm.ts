import type { Command } from 'commander'
import { z } from 'zod'
import { BrokerError } from '../lib/index.ts'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { callApi } from './api-client.ts'
import { readInventoryFile } from './inventory-file.ts'
import { type ImportOptions, importRows } from './inventory-import.ts'
import { registerRemove } from './inventory-remove.ts'
import { optionalField, printFields, printJson, printTable, say } from './output.ts'
import { parsePort } from './port.ts'
import {
  addLibvirtOptions,
  type LibvirtOptions,
  readLibvirtRows,
  refuseLibvirtOptions,
} from './vm-libvirt.ts'

const vmAnswer = z.object({
  id: z.string(),
  name: z.string(),
  tenant: z.string(),
  host: z.string(),
  guid: z.string().optional(),
  address: z.string().optional(),
  port: z.int().optional(),
  effectiveConsole: z.object({ allow: z.boolean(), source: z.string() }).optional(),
})

type Options = ApiOptions & { json?: boolean }

interface AddOptions extends Options {
  name: string
  tenant: string
  host: string
  guid?: string
  address?: string
  port?: number
}

export function register(program: Command): void {
  const vm = program.command('vm').description('the virtual machines')
  addApiOptions(
    vm
      .command('add')
      .description('a new machine')
      .argument('<vm>', 'its id: letters, digits, dots, dashes and underscores')
      .requiredOption('--name <text>', 'for people')
      .requiredOption('--tenant <id>', 'whose it is')
      .requiredOption('--host <id>', 'where it runs')
      .option('--guid <guid>', 'needed on hosts of kind hyperv and agent')
      .option('--address <host>', "only where it is not the host's")
      .option('--port <port>', "only where it is not the host's", parsePort)
      .option('--json', 'the new machine as JSON')
      .addHelpText(
        'after',
        '\nExample:\n  portcullis vm add web --name "Web 1" --tenant acme --host hv1',
      ),
  ).action(add)
  addApiOptions(
    vm
      .command('list')
      .description('all of them, with what holds for their consoles and by what')
      .option('--tenant <id>', "only this tenant's")
      .option('--host <id>', 'only those on this host')
      .option('--json', 'the same as JSON')
      .addHelpText('after', '\nExample:\n  portcullis vm list --tenant acme'),
  ).action(list)
  addApiOptions(
    vm
      .command('get')
      .description('one machine')
      .argument('<vm>', 'its id')
      .option('--json', 'the same as JSON')
      .addHelpText('after', '\nExample:\n  portcullis vm get web'),
  ).action(get)
  addApiOptions(
    addLibvirtOptions(
      vm
        .command('import')
        .description('machines from a CSV or JSON file, or from libvirt: all of them or none')
        .argument('[file]', 'CSV, or JSON; - for standard input')
        .option('--dry-run', 'say what would change, and change nothing')
        .option('--json', 'what changed as JSON'),
    ).addHelpText('after', IMPORT_HELP),
  ).action(importVms)
  registerRemove(vm, {
    noun: 'vm',
    description:
      'takes a machine out of the inventory: no file of it opens any more, who is in stays',
    example: 'web',
  })
}

const IMPORT_HELP = `
CSV has a line of column names first: id,name,tenant,host and, if wanted, guid,address,port.
JSON is a list of such rows, or {"tenants": [...], "hosts": [...], "vms": [...]}. A row is the
whole machine; machines that no row names stay.

From libvirt come name, uuid and the port of the console. A machine that is known by its uuid keeps
its id, tenant and address; --tenant is for those that are new.

Examples:
  portcullis vm import vms.csv --dry-run
  portcullis vm import --libvirt --connect qemu+ssh://kvm1/system --host kvm1 --tenant acme
  portcullis vm import --libvirt /etc/libvirt/qemu --host kvm1 --tenant acme --only web --only db`

async function add(id: string, options: AddOptions): Promise<void> {
  const { name, tenant, host, guid, address, port } = options
  const body = {
    name,
    tenant,
    host,
    ...(guid === undefined ? {} : { guid }),
    ...(address === undefined ? {} : { address }),
    ...(port === undefined ? {} : { port }),
  }
  const request = { body, answer: vmAnswer, onlyNew: true }
  const added = await callApi(await findApi(options), 'PUT', pathOf(id), request)
  if (options.json) {
    printJson(added)
    return
  }
  say(`portcullis: vm ${id} is there`)
  const { allow = true, source } = added.effectiveConsole ?? {}
  if (!allow) say(`portcullis: its console is off, by ${source}`)
}

async function list({
  tenant,
  host,
  json,
  ...options
}: Options & { tenant?: string; host?: string }): Promise<void> {
  const query = new URLSearchParams({
    ...(tenant === undefined ? {} : { tenant }),
    ...(host === undefined ? {} : { host }),
  })
  const answer = z.object({ items: z.array(vmAnswer) })
  const { items } = await callApi(await findApi(options), 'GET', `/v1/vms?${query}`, { answer })
  if (json) {
    printJson({ items })
    return
  }
  printTable(
    ['VM', 'NAME', 'TENANT', 'HOST', 'GUID', 'ADDRESS', 'PORT', 'CONSOLE', 'BY'],
    items.map(({ guid = '-', address = '-', port = '-', effectiveConsole, ...vm }) => [
      ...[vm.id, vm.name, vm.tenant, vm.host, guid, address, String(port)],
      effectiveConsole?.allow === false ? 'off' : 'on',
      effectiveConsole?.source ?? '-',
    ]),
  )
}

async function get(id: string, { json, ...options }: Options): Promise<void> {
  const api = await findApi(options)
  if (json) {
    printJson(await callApi(api, 'GET', pathOf(id), { answer: z.unknown() }))
    return
  }
  const found = await callApi(api, 'GET', pathOf(id), { answer: vmAnswer })
  const { name, tenant, host, guid, address, port, effectiveConsole: console } = found
  printFields([
    ['Name', name],
    ['Tenant', tenant],
    ['Host', host],
    ...optionalField('GUID', guid),
    ...optionalField('Address', address),
    ...optionalField('Port', port),
    ...optionalField('Console', console && `${console.allow ? 'on' : 'off'}, by ${console.source}`),
  ])
}

function pathOf(id: string): string {
  return `/v1/vms/${encodeURIComponent(id)}`
}

async function importVms(
  file: string | undefined,
  options: ApiOptions & ImportOptions & LibvirtOptions,
): Promise<void> {
  if ((file === undefined) === (options.libvirt === undefined)) {
    throw new BrokerError('ERR_USAGE', 'need either a file or --libvirt')
  }
  if (file !== undefined) refuseLibvirtOptions(options)
  const api = await findApi(options)
  const rows =
    file === undefined ? await readLibvirtRows(api, options) : await readInventoryFile(file, 'vms')
  await importRows(api, rows, options)
}
