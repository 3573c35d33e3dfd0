import { type Command, Option } from 'commander'
import { z } from 'zod'
import { BrokerError } from '../lib/index.ts'
import {
  POLICY_NAMES,
  type PolicyBody,
  type PolicyName,
  policyBody,
  REDIRECTIONS,
} from '../policy/index.ts'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { type ApiAccess, callApi } from './api-client.ts'
import { readText } from './files.ts'
import { printJson, printTable, say } from './output.ts'
import {
  changeLayer,
  collect,
  type PolicyChange,
  parseName,
  parseSetting,
  renderSettings,
  renderValue,
  type Setting,
} from './policy-settings.ts'

const effective = z.object({
  vm: z.string(),
  tenant: z.string(),
  values: z.record(
    z.string(),
    z.object({
      value: z.unknown(),
      source: z.string(),
      locked: z.boolean(),
      unreadable: z.boolean().optional(),
    }),
  ),
})

/** Whose layer; the provider's without any. */
interface LayerOptions {
  tenant?: string
  vm?: string
}

interface GetOptions extends ApiOptions, LayerOptions {
  effective?: string
  json?: boolean
}

interface SetOptions extends ApiOptions, LayerOptions {
  default?: Setting[]
  enforce?: Setting[]
  unset?: PolicyName[]
  file?: string
  json?: boolean
}

export function register(program: Command): void {
  const policy = program.command('policy').description('what consoles are allowed, and to whom')
  addApiOptions(
    addLayerOptions(policy.command('get'))
      .description('what one layer says, or what holds for a machine')
      .addOption(
        new Option('--effective <vm>', 'what holds for this machine, and where it comes from')
          // Whose it is follows from the machine.
          .conflicts(['tenant', 'vm']),
      )
      .option('--json', 'the same as JSON')
      .addHelpText(
        'after',
        '\nExamples:\n  portcullis policy get --tenant acme\n  portcullis policy get --effective vm-alpha',
      ),
  ).action(get)
  addApiOptions(
    addLayerOptions(policy.command('set'))
      .description('changes one layer, and prints it; what is not named stays')
      .option(
        '--default <name=value>',
        'layers below and requests may change it; may be repeated',
        collect(parseSetting),
      )
      .option(
        '--enforce <name=value>',
        'nobody below may change it; may be repeated',
        collect(parseSetting),
      )
      .option(
        '--unset <name>',
        'this layer says nothing of it; may be repeated',
        collect(parseName),
      )
      .addOption(
        new Option('--file <file>', 'JSON with default and enforce: the whole layer').conflicts([
          'default',
          'enforce',
          'unset',
        ]),
      )
      .option('--json', 'the layer as JSON')
      .addHelpText('after', SET_HELP),
  ).action(set)
}

const SET_HELP = `
Settings:
${renderSettings()}

Limits of 0 are none; redirect takes some of ${REDIRECTIONS.join(',')}, or none;
consentText takes the text, @FILE, or none.

Examples:
  portcullis policy set --default idleLimitMinutes=30 --enforce redirect=none
  portcullis policy set --tenant acme --enforce consentText=@notice.txt
  portcullis policy set --vm vm-alpha --enforce allowConsole=false`

function addLayerOptions(command: Command): Command {
  return command
    .addOption(new Option('--tenant <id>', "this tenant's layer").conflicts('vm'))
    .option('--vm <id>', "this machine's layer (default: the provider's)")
}

async function get({ effective: vm, json, ...options }: GetOptions): Promise<void> {
  const api = await findApi(options)
  if (vm === undefined) {
    printLayer(await callApi(api, 'GET', pathOf(options), { answer: policyBody }), json)
    return
  }
  const found = await readEffective(api, vm)
  if (json) {
    printJson(found)
    return
  }
  printTable(
    ['SETTING', 'VALUE', 'SOURCE', 'LOCKED'],
    Object.entries(found.values).map(([name, { value, source, locked, unreadable }]) => [
      name,
      renderValue(value),
      unreadable ? `${source} (cannot be read)` : source,
      locked ? 'yes' : 'no',
    ]),
  )
}

async function set({ file, json, ...options }: SetOptions): Promise<void> {
  const { default: defaults = [], enforce = [], unset = [] } = options
  const change = { default: defaults, enforce, unset }
  const names = namesOf(change)
  if (file === undefined && names.length === 0) {
    throw new BrokerError('ERR_USAGE', 'need --default, --enforce, --unset or --file')
  }
  const api = await findApi(options)
  const path = pathOf(options)
  const body =
    file === undefined
      ? changeLayer(await callApi(api, 'GET', path, { answer: policyBody }), change)
      : parseFile(file)
  printLayer(await callApi(api, 'PUT', path, { body, answer: policyBody }), json)
  await tellWithoutEffect(api, options, body)
}

function namesOf(change: PolicyChange): PolicyName[] {
  return [...change.unset, ...[...change.default, ...change.enforce].map(({ name }) => name)]
}

function parseFile(path: string): unknown {
  try {
    return JSON.parse(readText(path, '--file'))
  } catch (error) {
    if (error instanceof BrokerError) throw error
    throw new BrokerError('ERR_USAGE', `--file ${path}: is no JSON`, { cause: error })
  }
}

/** Names what an outer layer enforces: it is kept, and counts when that one lets go. */
async function tellWithoutEffect(
  api: ApiAccess,
  { tenant, vm }: LayerOptions,
  body: unknown,
): Promise<void> {
  const { default: defaults, enforce } = policyBody.parse(body)
  const mine = { ...defaults, ...enforce }
  for (const [name, source] of Object.entries(await lockedBy(api, { tenant, vm }))) {
    if (name in mine) say(`portcullis: ${name}: has no effect, enforced by ${source}`)
  }
}

/** Names of settings that a layer outside this one enforces, with that layer. */
async function lockedBy(
  api: ApiAccess,
  { tenant, vm }: { tenant: string | undefined; vm: string | undefined },
): Promise<Record<string, string>> {
  if (vm !== undefined) {
    const { values } = await readEffective(api, vm)
    const locked = Object.entries(values).filter(
      ([, { locked, source }]) => locked && source !== `vm:${vm}`,
    )
    return Object.fromEntries(locked.map(([name, { source }]) => [name, source]))
  }
  if (tenant === undefined) return {}
  const provider = await callApi(api, 'GET', pathOf({}), { answer: policyBody })
  return Object.fromEntries(Object.keys(provider.enforce ?? {}).map((name) => [name, 'provider']))
}

function readEffective(api: ApiAccess, vm: string): Promise<z.output<typeof effective>> {
  const path = `/v1/policy/effective?vm=${encodeURIComponent(vm)}`
  return callApi(api, 'GET', path, { answer: effective })
}

function pathOf({ tenant, vm }: LayerOptions): string {
  if (tenant !== undefined) return `/v1/policy/tenants/${encodeURIComponent(tenant)}`
  return vm === undefined ? '/v1/policy/provider' : `/v1/policy/vms/${encodeURIComponent(vm)}`
}

function printLayer(layer: PolicyBody, json = false): void {
  if (json) {
    printJson(layer)
    return
  }
  const { default: defaults = {}, enforce = {} } = layer
  const names = POLICY_NAMES.filter((name) => name in defaults || name in enforce)
  if (names.length === 0) {
    say('portcullis: this layer says nothing')
    return
  }
  printTable(
    ['SETTING', 'DEFAULT', 'ENFORCED'],
    names.map((name) => [name, shown(defaults[name]), shown(enforce[name])]),
  )
}

function shown(value: unknown): string {
  return value === undefined ? '-' : renderValue(value)
}
