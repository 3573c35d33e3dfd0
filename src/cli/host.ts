import { type Command, Option } from 'commander'
import { z } from 'zod'
import { formatEndpoint } from '../lib/index.ts'
import { CONSOLE_MODES, HOST_KINDS, IDENTIFY_MODES, NLA_SETTINGS } from '../store/index.ts'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { type ApiAccess, callApi } from './api-client.ts'
import { hostStanding, printFindings, registerProbe } from './host-probe.ts'
import { readInventoryFile } from './inventory-file.ts'
import { type ImportOptions, importRows } from './inventory-import.ts'
import { registerRemove } from './inventory-remove.ts'
import { optionalField, print, printFields, printJson, printTable, say } from './output.ts'
import { parsePort } from './port.ts'

const hostAnswer = z.looseObject({
  id: z.string(),
  kind: z.string(),
  address: z.string(),
  port: z.int(),
  identify: z.string(),
  names: z.record(z.string(), z.string()).optional(),
  console: z.object({ allow: z.boolean(), mode: z.string().optional() }),
  effectiveConsole: z.object({ allow: z.boolean(), source: z.string() }),
  pin: z.string().optional(),
  nla: z.string().optional(),
  ...hostStanding.shape,
})
type HostAnswer = z.output<typeof hostAnswer>

const switched = z.object({
  host: z.string(),
  allow: z.boolean(),
  openSessions: z.int(),
  endedSessions: z.int(),
})

type Options = ApiOptions & { json?: boolean }

interface AddOptions extends Options {
  kind: string
  address: string
  port?: number
  identify?: string
  consoleMode?: string
  pin?: string
  nla?: string
  enable?: boolean
}

export function register(program: Command): void {
  const host = program.command('host').description('the hypervisor hosts, and which are opted in')
  addApiOptions(
    host
      .command('add')
      .description('a new host; its consoles are off unless it is enabled')
      .argument('<host>', 'its id: letters, digits, dots, dashes and underscores')
      .addOption(kindOption())
      .requiredOption('--address <host>', 'DNS name, IPv4 or IPv6 address, without a port')
      .option('--port <port>', "default: the kind's 3389, 2179 or 5900", parsePort)
      .addOption(
        new Option('--identify <form>', 'default: as the address is written').choices(
          IDENTIFY_MODES,
        ),
      )
      .addOption(new Option('--console-mode <mode>', 'kind hyperv only').choices(CONSOLE_MODES))
      .addOption(
        new Option('--nla <setting>', 'network level authentication, kind rdp only').choices(
          NLA_SETTINGS,
        ),
      )
      .option('--pin <thumbprint>', 'SHA-256: what its TLS certificate has to be')
      .option('--enable', 'its consoles may be opened at once')
      .option('--json', 'the new host as JSON')
      .addHelpText(
        'after',
        '\nExample:\n  portcullis host add hv1 --kind hyperv --address hv1.example.net --enable',
      ),
  ).action(add)
  addApiOptions(
    host
      .command('list')
      .description('all of them, with what holds for their consoles and by what')
      .option('--json', 'the same as JSON')
      .addHelpText('after', '\nExample:\n  portcullis host list'),
  ).action(list)
  addApiOptions(
    host
      .command('get')
      .description('one host')
      .argument('<host>', 'its id')
      .option('--json', 'the same as JSON')
      .addHelpText('after', '\nExample:\n  portcullis host get hv1'),
  ).action(get)
  addApiOptions(
    host
      .command('enable')
      .description('opts a host in: its consoles may be opened, as far as policy allows')
      .argument('<host>', 'its id')
      .option('--json', 'what it did as JSON')
      .addHelpText('after', '\nExample:\n  portcullis host enable hv1'),
  ).action(enable)
  addApiOptions(
    host
      .command('disable')
      .description('opts a host out: nothing new opens, what is open goes on')
      .argument('<host>', 'its id')
      .option('--kill', 'end what is open as well, and make its tokens worthless')
      .option('--json', 'what it did as JSON')
      .addHelpText('after', '\nExample:\n  portcullis host disable hv1 --kill'),
  ).action(disable)
  addApiOptions(
    host
      .command('import')
      .description('hosts from a CSV or JSON file: all of them or none')
      .argument('<file>', 'CSV, or JSON; - for standard input')
      .option('--dry-run', 'say what would change, and change nothing')
      .option('--json', 'what changed as JSON')
      .addHelpText('after', IMPORT_HELP),
  ).action(importHosts)
  registerProbe(host)
  registerRemove(host, {
    noun: 'host',
    description: 'takes a host out of the inventory; its machines have to go first',
    example: 'hv1',
    holders: (id) => `vm list --host ${id}`,
  })
}

const IMPORT_HELP = `
CSV has a line of column names first: id,kind,address and, if wanted, port,identify,pin,nla,
console.allow,console.mode,names.fqdn,names.name,names.ipv4,names.ipv6. JSON is a list of such rows ({"console": {"allow": true}}), or
{"tenants": [...], "hosts": [...], "vms": [...]}. A row is the whole host; without console.allow
a new one is off, and a known one stays as it is. Hosts that no row names stay.

Example:
  portcullis host import hosts.csv --dry-run`

function kindOption(): Option {
  return new Option('--kind <kind>', 'what it speaks').choices(HOST_KINDS).makeOptionMandatory()
}

async function add(id: string, options: AddOptions): Promise<void> {
  const { kind, address, port, identify, consoleMode: mode, pin, nla } = options
  const { enable: allow = false } = options
  const body = {
    kind,
    address,
    ...(port === undefined ? {} : { port }),
    ...(identify === undefined ? {} : { identify }),
    ...(pin === undefined ? {} : { pin }),
    ...(nla === undefined ? {} : { nla }),
    console: { allow, ...(mode === undefined ? {} : { mode }) },
  }
  const api = await findApi(options)
  const request = { body, answer: hostAnswer, onlyNew: true }
  const added = await callApi(api, 'PUT', pathOf(id), request)
  if (options.json) {
    printJson(added)
    return
  }
  say(`portcullis: host ${id} is there, at ${formatEndpoint(toEndpoint(added))}`)
  if (!allow) say(`portcullis: its consoles are off; switch them on with: host enable ${id}`)
}

async function list({ json, ...options }: Options): Promise<void> {
  const answer = z.object({ items: z.array(hostAnswer) })
  const found = await callApi(await findApi(options), 'GET', '/v1/hosts', { answer })
  if (json) {
    printJson(found)
    return
  }
  printTable(
    ['HOST', 'KIND', 'ADDRESS', 'CONSOLES', 'BY', 'STATE', 'REASON'],
    found.items.map((host) => {
      const { allow, source } = host.effectiveConsole
      const address = formatEndpoint(toEndpoint(host))
      const { id, kind, state, reason = '-' } = host
      return [id, kind, address, allow ? 'on' : 'off', source, state, reason]
    }),
  )
}

async function get(id: string, { json, ...options }: Options): Promise<void> {
  const api = await findApi(options)
  if (json) {
    printJson(await callApi(api, 'GET', pathOf(id), { answer: z.unknown() }))
    return
  }
  const found = await callApi(api, 'GET', pathOf(id), { answer: hostAnswer })
  const { kind, identify, names = {}, console, effectiveConsole, pin, nla } = found
  const { state, states, hint } = found
  printFields([
    ['Kind', kind],
    ['Address', formatEndpoint(toEndpoint(found))],
    ['Identified by', `${identify}, ${names[identify] ?? found.address}`],
    ...optionalField('Console mode', console.mode),
    ['Opted in', console.allow ? 'yes' : 'no'],
    ['Consoles', `${effectiveConsole.allow ? 'on' : 'off'}, by ${effectiveConsole.source}`],
    ...optionalField('Pin', pin),
    ...optionalField('NLA', nla),
    ['State', state],
  ])
  if (states.length > 0) {
    print('')
    printFindings(states)
  } else if (hint !== undefined) say(`portcullis: ${hint}`)
}

async function enable(id: string, { json, ...options }: Options): Promise<void> {
  const done = await switchConsoles(await findApi(options), id, { allow: true })
  if (json) {
    printJson(done)
    return
  }
  const { allow, source } = done.effectiveConsole
  say(`portcullis: host ${id} is opted in`)
  say(`portcullis: its consoles ${allow ? 'are on' : 'stay off'}, by ${source}`)
}

async function disable(
  id: string,
  { kill = false, json, ...options }: Options & { kill?: boolean },
): Promise<void> {
  const wanted = { allow: false, endSessions: kill }
  const done = await switchConsoles(await findApi(options), id, wanted)
  if (json) {
    printJson(done)
    return
  }
  const { openSessions, endedSessions, effectiveConsole } = done
  say(`portcullis: host ${id} is opted out: no console of it opens any more`)
  say(`portcullis: its consoles are off, by ${effectiveConsole.source}`)
  if (kill) say(`portcullis: sessions ended: ${endedSessions}`)
  else say(`portcullis: open sessions that go on: ${openSessions}${hintFor(openSessions)}`)
}

function hintFor(openSessions: number): string {
  return openSessions === 0 ? '' : ' (end them with --kill)'
}

/** What that did, and what holds now: policy may still say no. */
async function switchConsoles(api: ApiAccess, id: string, body: object) {
  const done = await callApi(api, 'PUT', `${pathOf(id)}/console`, { body, answer: switched })
  const { effectiveConsole } = await callApi(api, 'GET', pathOf(id), { answer: hostAnswer })
  return { ...done, effectiveConsole }
}

async function importHosts(file: string, options: ApiOptions & ImportOptions): Promise<void> {
  const rows = await readInventoryFile(file, 'hosts')
  await importRows(await findApi(options), rows, options)
}

function toEndpoint({ address: host, port }: HostAnswer) {
  return { host, port }
}

function pathOf(id: string): string {
  return `/v1/hosts/${encodeURIComponent(id)}`
}
