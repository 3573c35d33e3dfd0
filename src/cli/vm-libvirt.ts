import { type Command, Option } from 'commander'
import { z } from 'zod'
import { BrokerError } from '../lib/index.ts'
import { type ApiAccess, callApi } from './api-client.ts'
import { collect } from './collect.ts'
import type { InventoryFile } from './inventory-file.ts'
import { readDomains } from './libvirt.ts'
import { libvirtRows } from './libvirt-rows.ts'
import { say } from './output.ts'

export interface LibvirtOptions {
  /** True without a directory: ask virsh. */
  libvirt?: string | true
  connect?: string
  host?: string
  tenant?: string
  ids?: 'uuid' | 'name'
  only?: string[]
}

const hostAnswer = z.object({ id: z.string(), kind: z.string() })
const vmsAnswer = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      tenant: z.string(),
      guid: z.string().optional(),
      address: z.string().optional(),
    }),
  ),
})

export function addLibvirtOptions(command: Command): Command {
  return command
    .option('--libvirt [path]', 'ask virsh, or read domain XML: a file, or a directory of *.xml')
    .option('--connect <uri>', "with --libvirt: virsh's connection (default: virsh's own)")
    .option('--host <id>', 'with --libvirt: the host that they run on')
    .option('--tenant <id>', 'with --libvirt: whose the new ones are')
    .addOption(
      new Option(
        '--ids <of>',
        'with --libvirt: what becomes the id of a new one (default: uuid)',
      ).choices(['uuid', 'name']),
    )
    .option('--only <name>', 'with --libvirt: this machine alone; may be repeated', collect)
}

/** A file says all of it itself. @throws BrokerError `ERR_USAGE` */
export function refuseLibvirtOptions({ connect, host, tenant, ids, only }: LibvirtOptions): void {
  const given = Object.entries({ connect, host, tenant, ids, only })
  const [name] = given.find(([, value]) => value !== undefined) ?? []
  if (name !== undefined) throw new BrokerError('ERR_USAGE', `--${name}: only with --libvirt`)
}

/** @throws BrokerError `ERR_USAGE`, `ERR_REFUSED`, `ERR_NO_ANSWER` when virsh does not answer */
export async function readLibvirtRows(
  api: ApiAccess,
  { libvirt, connect, host, tenant, ids = 'uuid', only }: LibvirtOptions,
): Promise<InventoryFile> {
  if (host === undefined) throw new BrokerError('ERR_USAGE', '--host: needed with --libvirt')
  const found = await readDomains(libvirt === true ? undefined : libvirt, connect)
  const missing = only?.find((wanted) => !found.some(({ name }) => name === wanted))
  if (missing !== undefined) throw new BrokerError('ERR_REFUSED', `--only ${missing}: not found`)
  const domains = found.filter(({ name }) => only?.includes(name) ?? true)
  const path = `/v1/hosts/${encodeURIComponent(host)}`
  const { rows, notes } = libvirtRows({
    domains,
    host: await callApi(api, 'GET', path, { answer: hostAnswer }),
    known: (await callApi(api, 'GET', '/v1/vms', { answer: vmsAnswer })).items,
    tenant,
    ids,
  })
  for (const note of notes) say(`portcullis: ${note}`)
  return { rows: { vms: rows } }
}
