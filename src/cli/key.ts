import { rmSync } from 'node:fs'
import { type Command, InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { BrokerError, Secret, systemClock } from '../lib/index.ts'
import { ROLES } from '../store/index.ts'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { callApi } from './api-client.ts'
import { collect } from './collect.ts'
import { bootstrapKey } from './key-bootstrap.ts'
import { writeNewFiles } from './new-files.ts'
import { print, printJson, printTable, say } from './output.ts'
import { writePrivately } from './private-file.ts'

const keyAnswer = z.object({
  id: z.string(),
  label: z.string(),
  roles: z.array(z.string()),
  tenants: z.array(z.string()).optional(),
  createdAt: z.string(),
  expiresAt: z.string().optional(),
  lastUsedAt: z.string().optional(),
  revokedAt: z.string().optional(),
})
type KeyAnswer = z.output<typeof keyAnswer>

const DAY_MS = 24 * 60 * 60_000

type CreateOptions = ApiOptions & {
  id?: string
  role?: string[]
  tenant?: string[]
  label?: string
  days?: number
  bootstrap?: boolean
  config?: string
  out?: string
}

export function register(program: Command): void {
  const key = program.command('key').description('keys for the API')
  addApiOptions(
    key
      .command('create')
      .description("a new key; with --bootstrap the very first, on the broker's machine")
      .option('--id <name>', 'how logs name it: 1 to 32 lower-case letters and digits')
      .option('--role <name>', `what it may: ${ROLES.join(', ')}; may be repeated`, collect)
      .option('--tenant <id>', 'whose consoles, with the role portal; may be repeated', collect)
      .option('--label <text>', 'for people: whose it is, what for')
      .option('--days <count>', 'worthless after so many days (default: never)', parseDays)
      .option('--bootstrap', 'the first key, which may do everything: works without another')
      .option('--config <file>', "with --bootstrap: the broker's YAML file, which names the store")
      .option(
        '--out <file>',
        'write it to this new file, readable for you alone (default: standard output)',
      )
      .addHelpText(
        'after',
        `
Examples:
  portcullis key create --bootstrap --config /etc/portcullis/broker.yaml --out admin.key
  portcullis key create --id shop --role portal --tenant acme --days 90 --out shop.key`,
      ),
  ).action(create)
  addApiOptions(
    key
      .command('list')
      .description('all of them, also revoked ones; never their text')
      .option('--json', 'the same as JSON')
      .addHelpText('after', '\nExample:\n  portcullis key list'),
  ).action(list)
  addApiOptions(
    key
      .command('revoke')
      .description('a key opens nothing any more, from its next request on')
      .argument('<id>', 'as listed')
      .addHelpText('after', '\nExample:\n  portcullis key revoke shop'),
  ).action(revoke)
}

async function create(options: CreateOptions): Promise<void> {
  const { out, bootstrap } = options
  const make = () => (bootstrap ? createFirst(options) : createAnother(options))
  if (out === undefined) {
    print((await make()).reveal())
  } else {
    await writeKey(out, make)
    print(out)
  }
  say(
    `portcullis: ${bootstrap ? 'this key may do everything and ' : 'this key '}is shown only now: keep it in a file for --key-file`,
  )
}

/** The file is taken before the key is made: a key that can't be written would be there, and nobody's. */
async function writeKey(file: string, make: () => Promise<Secret>): Promise<void> {
  writeNewFiles([{ path: file, content: '', secret: true }])
  try {
    const key = await make()
    writePrivately(file, Buffer.from(`${key.reveal()}\n`), '--out')
  } catch (error) {
    rmSync(file, { force: true })
    throw error
  }
}

async function createFirst({ config, id = 'admin', ...options }: CreateOptions): Promise<Secret> {
  if (config === undefined) throw new BrokerError('ERR_USAGE', '--config: needed with --bootstrap')
  const { role = [], tenant = [], label, days } = options
  if (role.length + tenant.length > 0 || label !== undefined || days !== undefined) {
    const text = '--bootstrap: the first key may do everything, for good: leave the rest out'
    throw new BrokerError('ERR_USAGE', text)
  }
  return bootstrapKey(config, id)
}

async function createAnother(options: CreateOptions): Promise<Secret> {
  const { id, role: roles = [], tenant: tenants = [], label, days } = options
  if (id === undefined) throw new BrokerError('ERR_USAGE', '--id: needed')
  if (roles.length === 0) throw new BrokerError('ERR_USAGE', `--role: need ${ROLES.join(', ')}`)
  const expiresAt = days === undefined ? {} : { expiresAt: daysFromNow(days) }
  const { key } = await callApi(await findApi(options), 'POST', '/v1/keys', {
    body: {
      ...{ id, roles, ...expiresAt },
      ...(tenants.length === 0 ? {} : { tenants }),
      ...(label === undefined ? {} : { label }),
    },
    answer: z.object({ key: z.string() }),
  })
  return new Secret(key)
}

async function list({ json, ...options }: ApiOptions & { json?: boolean }): Promise<void> {
  const answer = z.object({ items: z.array(keyAnswer) })
  const { items } = await callApi(await findApi(options), 'GET', '/v1/keys', { answer })
  if (json) {
    printJson({ items })
    return
  }
  const nowMs = systemClock.now()
  printTable(
    ['KEY', 'LABEL', 'ROLES', 'TENANTS', 'STATE', 'EXPIRES', 'LAST USED'],
    items.map((key) => toRow(key, nowMs)),
  )
}

function toRow(key: KeyAnswer, nowMs: number): string[] {
  const { id, label, roles, tenants = [], expiresAt, lastUsedAt = 'never' } = key
  const columns = [id, label || '-', roles.join(','), tenants.join(',') || '-']
  return [...columns, stateOf(key, nowMs), expiresAt ?? 'never', lastUsedAt]
}

function stateOf({ revokedAt, expiresAt }: KeyAnswer, nowMs: number): string {
  if (revokedAt !== undefined) return 'revoked'
  return expiresAt !== undefined && Date.parse(expiresAt) <= nowMs ? 'expired' : 'valid'
}

async function revoke(id: string, options: ApiOptions): Promise<void> {
  await callApi(await findApi(options), 'DELETE', `/v1/keys/${encodeURIComponent(id)}`, {
    answer: z.undefined(),
  })
  say(`portcullis: key ${id} opens nothing any more`)
}

function parseDays(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('need a number of days, 1 to 9999.')
}

function daysFromNow(days: number): string {
  return new Date(systemClock.now() + days * DAY_MS).toISOString()
}
