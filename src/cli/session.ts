import type { Command } from 'commander'
import { z } from 'zod'
import { BrokerError, errorText, parseReference } from '../lib/index.ts'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { type ApiAccess, callApi } from './api-client.ts'
import { printJson, printTable, say } from './output.ts'

const sessionAnswer = z.object({
  id: z.string(),
  ref: z.string().optional(),
  tenant: z.string().optional(),
  user: z.string().optional(),
  vm: z.string().optional(),
  host: z.string().optional(),
  node: z.string(),
  transport: z.string().optional(),
  clientAddress: z.string(),
  openedAt: z.string(),
  idleSeconds: z.int().optional(),
  bytesIn: z.int().optional(),
  bytesOut: z.int().optional(),
  takesMessages: z.boolean().optional(),
})
const sessionsAnswer = z.object({ items: z.array(sessionAnswer) })
type SessionAnswer = z.output<typeof sessionAnswer>

const FILTERS = ['ref', 'vm', 'tenant', 'host', 'user', 'node'] as const
type Filters = { [Name in (typeof FILTERS)[number]]?: string }

const WHICH = "its id, or its console's reference, as in the name of the file"

export function register(program: Command): void {
  const session = program.command('session').description('the consoles that are open now')
  addApiOptions(
    session
      .command('list')
      .description('who is where, since when, and what is used; oldest first')
      .option('--ref <reference>', 'only those of this console')
      .option('--vm <id>', 'only those of this machine')
      .option('--tenant <id>', 'only those of this tenant')
      .option('--host <id>', "only those of this host's machines")
      .option('--user <id>', 'only those of this user')
      .option('--node <name>', 'only those on this node')
      .option('--json', 'the same as JSON, with all fields')
      .addHelpText('after', '\nExample:\n  portcullis session list --tenant acme --node gw1'),
  ).action(list)
  addApiOptions(
    session
      .command('kill')
      .description('end a session and make its token worthless')
      .argument('<session>', WHICH)
      .addHelpText(
        'after',
        '\nExamples:\n  portcullis session kill 7K3M-Q2XD\n  portcullis session kill 5f3c1c9e-0d1b-4c53-9d1e-7a7a9f0c2b11',
      ),
  ).action(kill)
  addApiOptions(
    session
      .command('message')
      .description('show its user a text, as far as the client takes one')
      .argument('<session>', WHICH)
      .argument('<text>', 'up to 1024 characters')
      .addHelpText(
        'after',
        '\nExample:\n  portcullis session message 7K3M-Q2XD "Maintenance at ten."',
      ),
  ).action(message)
}

async function list({
  json,
  ...options
}: ApiOptions & Filters & { json?: boolean }): Promise<void> {
  const query = new URLSearchParams()
  for (const name of FILTERS) {
    const value = options[name]
    if (value !== undefined) query.set(name, value)
  }
  const path = `/v1/sessions?${query}`
  const api = await findApi(options)
  if (json) {
    printJson(await callApi(api, 'GET', path, { answer: z.unknown() }))
    return
  }
  const { items } = await callApi(api, 'GET', path, { answer: sessionsAnswer })
  printTable(
    [
      ...['SESSION', 'REFERENCE', 'TENANT', 'USER', 'VM', 'HOST', 'NODE', 'TRANSPORT', 'CLIENT'],
      ...['SINCE', 'IDLE', 'IN', 'OUT', 'MESSAGES'],
    ],
    items.map(toRow),
  )
}

async function kill(which: string, options: ApiOptions): Promise<void> {
  const api = await findApi(options)
  await forEach(await find(api, which), async (session) => {
    await callApi(api, 'DELETE', sessionPath(session.id), { answer: z.undefined() })
    say(`the session of ${describe(session)} is ended, and its token worthless`)
  })
}

async function message(which: string, text: string, options: ApiOptions): Promise<void> {
  const api = await findApi(options)
  await forEach(await find(api, which), async (session) => {
    await callApi(api, 'POST', `${sessionPath(session.id)}/message`, {
      body: { text },
      answer: z.undefined(),
    })
    say(`sent to ${describe(session)}: ${text}`)
  })
}

/**
 * Of several, one that fails doesn't keep the others from their turn.
 *
 * @throws BrokerError `ERR_REFUSED` with every one that failed; of a single session what it failed with
 */
async function forEach(
  sessions: SessionAnswer[],
  act: (session: SessionAnswer) => Promise<void>,
): Promise<void> {
  const failures: string[] = []
  for (const session of sessions) {
    try {
      await act(session)
    } catch (error) {
      if (sessions.length === 1) throw error
      failures.push(`${session.id} of ${describe(session)}: ${errorText(error)}`)
    }
  }
  if (failures.length === 0) return
  const count = `${failures.length} of ${sessions.length} sessions failed`
  throw new BrokerError('ERR_REFUSED', `${count}: ${failures.join('; ')}`)
}

/**
 * One by its id, open or ended; by a reference the console's open tunnels, of which there is one most of the time.
 *
 * @throws BrokerError `ERR_REFUSED` when none of the console is open
 */
async function find(api: ApiAccess, which: string): Promise<SessionAnswer[]> {
  const ref = parseReference(which)
  if (ref === undefined) {
    return [await callApi(api, 'GET', sessionPath(which), { answer: sessionAnswer })]
  }
  const { items } = await callApi(api, 'GET', `/v1/sessions?ref=${ref}`, { answer: sessionsAnswer })
  if (items.length > 0) return items
  const help = `"portcullis why ${ref}" says what became of it`
  throw new BrokerError('ERR_REFUSED', `no session of the console ${ref} is open; ${help}`)
}

/** Whose it is, in words. */
function describe({ user, tenant, vm, node, clientAddress }: SessionAnswer): string {
  const of = tenant === undefined ? '' : ` (tenant ${tenant})`
  return `${user ?? 'somebody'}${of} on ${vm ?? 'a machine'}, at ${clientAddress} through ${node}`
}

function sessionPath(id: string): string {
  return `/v1/sessions/${encodeURIComponent(id)}`
}

/** A dash is what nobody has told yet. */
function toRow(session: SessionAnswer): string[] {
  const { id, ref = '-', tenant = '-', user = '-', vm = '-', host = '-', node } = session
  const {
    transport = '-',
    clientAddress,
    openedAt,
    idleSeconds,
    bytesIn,
    bytesOut,
    takesMessages,
  } = session
  return [
    ...[id, ref, tenant, user, vm, host, node, transport, clientAddress, openedAt],
    idleSeconds === undefined ? '-' : `${idleSeconds} s`,
    formatBytes(bytesIn),
    formatBytes(bytesOut),
    takesMessages === undefined ? '-' : takesMessages ? 'yes' : 'no',
  ]
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

function formatBytes(bytes: number | undefined): string {
  if (bytes === undefined) return '-'
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1)
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`
}
