import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { register as registerConsole } from '../../src/cli/console.ts'
import { createProgram } from '../../src/cli/index.ts'
import { readPair } from '../../src/cli/role-files.ts'
import { register } from '../../src/cli/session.ts'
import type {
  ControlClient,
  KillMessage,
  TunnelUsage,
  UserMessage,
} from '../../src/control/index.ts'
import { Secret } from '../../src/lib/index.ts'
import { parseRdpFile } from '../../src/rdpfile/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { close, listen, urlOf } from '../helpers/portal.ts'
import { runCommand } from './run-command.ts'
import { useBroker } from './use-broker.ts'

const broker = useBroker({ nodes: ['gw1'] })
let client: ControlClient
const heard: (KillMessage | UserMessage)[] = []
const usage: TunnelUsage[] = []

beforeAll(async () => {
  client = await connect()
  for (const [tunnel, takesMessages] of [
    ['t1', true],
    ['t2', false],
  ] as const) {
    await client.redeem({ token: await openConsole(), clientAddress: '192.0.2.7', tunnel })
    const used = {
      transport: 'websocket',
      idleSeconds: 7,
      bytesIn: 999,
      bytesOut: 1_234_567,
    } as const
    usage.push({ ...used, tunnel, takesMessages })
  }
  client.report()
  await eventually('usage', async () => (await listed()).every(({ transport }) => transport))
})
afterAll(() => client.close())

/** A node's end of the control channel. */
async function connect(): Promise<ControlClient> {
  const connected = Promise.withResolvers<void>()
  const node = broker.createNode('gw1', {
    kill: (message) => void heard.push(message),
    message: (message) => void heard.push(message),
    tunnels: () => usage,
    connected: () => connected.resolve(),
  })
  node.start()
  await connected.promise
  return node
}

async function openConsole(): Promise<Secret> {
  const out = join(broker.files.directory, 'console.rdp')
  await broker.run(registerConsole, ['console', 'open', 'web', '--out', out])
  return new Secret(parseRdpFile(readFileSync(out)).get('gatewayaccesstoken') ?? '')
}

const session = (...args: string[]) => broker.run(register, ['session', ...args])

async function listed(...filters: string[]): Promise<Array<Record<string, unknown>>> {
  return JSON.parse((await session('list', '--json', ...filters)).stdout).items
}

async function idOf(tunnel: string): Promise<string> {
  return String((await listed()).find((item) => item.tunnel === tunnel)?.id)
}

async function refOf(tunnel: string): Promise<string> {
  return String((await listed()).find((item) => item.tunnel === tunnel)?.ref)
}

test('lists who is where, and what was used', async () => {
  const id = await idOf('t1')
  const { stdout, exitCode } = await session('list')
  expect(exitCode).toBe(0)
  const [header = '', row = ''] = stdout.split('\n')
  expect(header.split(/ {2,}/)).toEqual(
    'SESSION REFERENCE TENANT USER VM HOST NODE TRANSPORT CLIENT SINCE IDLE IN OUT MESSAGES'.split(
      ' ',
    ),
  )
  expect(row.split(/ {2,}/)).toEqual([
    ...[
      id,
      await refOf('t1'),
      'acme',
      expect.stringContaining('key:'),
      'web',
      '192.0.2.10:3389',
      'gw1',
    ],
    ...['websocket', '192.0.2.7', expect.stringMatching(/Z$/), '7 s', '999 B', '1.2 MB', 'yes'],
  ])
})

test.each([
  [['--vm', 'web'], 2],
  [['--tenant', 'acme', '--node', 'gw1'], 2],
  [['--node', 'gw2'], 0],
  [['--user', 'nobody'], 0],
])('lists with %j', async (filters, count) => {
  expect(await listed(...filters)).toHaveLength(count)
})

test('sends a message over several lines; says why not when the client takes none', async () => {
  const text = 'Maintenance at ten.\nSave your work.'
  const sent = await session('message', await idOf('t1'), text)
  expect(sent).toMatchObject({ stdout: '', exitCode: 0 })
  expect(sent.stderr).toMatch(
    /^sent to key:\w+ \(tenant acme\) on web, at 192\.0\.2\.7 through gw1: Maintenance at ten\.\nSave your work\.\n$/,
  )
  await eventually('message', () => heard.length > 0)
  expect(heard.splice(0)).toMatchObject([{ type: 'message', by: { tunnel: 't1' }, text }])
  const refused = await session('message', await idOf('t2'), text)
  expect(refused.exitCode).toBe(1)
  expect(refused.stderr).toContain('conflict: The client of this session takes no messages.')
  expect((await session('message', await idOf('t1'), '')).stderr).toContain('validation-failed')
})

test('takes the reference of the console, in any spelling, for the session', async () => {
  const ref = await refOf('t1')
  const typed = ref.toLowerCase().replace('-', '')
  expect(await listed('--ref', typed)).toMatchObject([{ tunnel: 't1', ref }])
  expect((await session('message', typed, 'Hello.')).stderr).toMatch(/^sent to .*: Hello\.\n$/)
  await eventually('message', () => heard.length > 0)
  expect(heard.splice(0)).toMatchObject([{ type: 'message', by: { tunnel: 't1' } }])
  const none = await session('kill', '0000-0000')
  expect(none).toMatchObject({ exitCode: 1 })
  expect(none.stderr).toContain(
    'no session of the console 0000-0000 is open; "portcullis why 0000-0000" says what became',
  )
})

test('of several tunnels of a console each has its turn, whatever became of those before', async () => {
  const { config, keyFile, caFile } = broker.files
  const asked: string[] = []
  const items = ['s1', 's2', 's3'].map((id) => ({
    ...{ id, user: 'ann', vm: 'web', node: 'gw1', clientAddress: '192.0.2.7' },
    openedAt: '2030-01-01T12:00:00Z',
  }))
  const api = await listen(readPair(config.tls, 'tls'), ({ method, url }, response) => {
    if (method === 'GET') return response.end(JSON.stringify({ items }))
    asked.push(`${method} ${url}`)
    if (url?.endsWith('/s2')) return response.writeHead(204).end()
    const problem = { code: 'internal', detail: 'Out of order.', ref: '7K3M-Q2XD' }
    return response.writeHead(500).end(JSON.stringify(problem))
  })
  onTestFinished(() => close(api))
  const { exitCode, stderr } = await runCommand(register, [
    ...['session', 'kill', '7K3M-Q2XD', '--key-file', keyFile, '--ca', caFile],
    ...['--api', urlOf(api)],
  ])
  expect(asked).toEqual(['s1', 's2', 's3'].map((id) => `DELETE /v1/sessions/${id}`))
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(/^the session of ann on web, .* is ended/)
  const failed = 'ann on web, at 192.0.2.7 through gw1: internal: Out of order.'
  expect(stderr.split('\n').at(-2)).toMatch(
    new RegExp(`^portcullis: 2 of 3 sessions failed: s1 of ${failed}.*; s3 of ${failed}`),
  )
})

test('kills; again is no error, and an unknown session is', async () => {
  const id = await idOf('t1')
  const killed = await session('kill', id)
  expect(killed).toMatchObject({ stdout: '', exitCode: 0 })
  expect(killed.stderr).toMatch(/^the session of key:\w+ \(tenant acme\) on web, .* is ended/)
  await eventually('kill', () => heard.length > 0)
  expect(heard.splice(0)).toMatchObject([{ type: 'kill', by: { tunnel: 't1' }, reason: 'killed' }])
  expect((await session('kill', id)).exitCode).toBe(0)
  const unknown = await session('kill', 'nobody')
  expect(unknown.exitCode).toBe(1)
  expect(unknown.stderr).toContain('not-found')
})

test('without a broker there is no answer', async () => {
  const access = ['--api', 'https://127.0.0.1:1', '--key-file', broker.files.keyFile]
  const nowhere = ['session', 'list', ...access]
  expect((await runCommand(register, nowhere)).exitCode).toBe(3)
})

test('is among the commands', async () => {
  const found = (await createProgram()).commands.find((command) => command.name() === 'session')
  expect(found?.commands.map((command) => command.name())).toEqual(['list', 'kill', 'message'])
})
