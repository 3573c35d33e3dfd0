import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { register } from '../../src/cli/probe.ts'
import { Secret } from '../../src/lib/index.ts'
import { encodeConnectionConfirm, NegotiationFailureCode } from '../../src/protocol/index.ts'
import { renderConsoleFile } from '../../src/rdpfile/index.ts'
import { startNode, type TestNode } from '../gateway/support/test-node.ts'
import { type ScriptedTarget, startTarget } from '../helpers/scripted-target.ts'

const CONFIRM = encodeConnectionConfirm({ kind: 'selected', flags: 0, selectedProtocol: 1 })

let node: TestNode
let target: ScriptedTarget
/** What the target answers; nothing when undefined. */
let answer: Uint8Array | undefined
let directory: string
let rdp: string
let ca: string

beforeAll(async () => {
  node = await startNode()
  target = await startTarget(({ socket }) => {
    socket.once('data', () => answer !== undefined && socket.write(answer))
  })
  directory = mkdtempSync(join(tmpdir(), 'probe-'))
  rdp = join(directory, 'console.rdp')
  ca = join(directory, 'ca.crt')
  writeFileSync(ca, node.ca)
})

afterEach(() => {
  answer = undefined
  vi.restoreAllMocks()
})

afterAll(async () => {
  target.close()
  rmSync(directory, { recursive: true })
  await node.gateway.close()
})

async function writeFile(change: { token?: Secret; port?: number } = {}): Promise<void> {
  const port = change.port ?? target.port
  const gatewayToken = change.token ?? (await node.mint(port))
  const gatewayAddress = `localhost:${node.port}`
  writeFileSync(
    rdp,
    renderConsoleFile({ kind: 'rdp', host: '127.0.0.1', port, gatewayAddress, gatewayToken }),
  )
}

/** Runs the command as the command line would, and returns what it printed. */
async function probe(...options: string[]): Promise<{ output: string; error: unknown }> {
  const written: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.push(String(text))
    return true
  })
  const program = new Command().exitOverride()
  program.configureOutput({ writeErr: () => {} })
  register(program)
  let error: unknown
  try {
    await program.parseAsync(['probe', rdp, '--ca', ca, ...options], { from: 'user' })
  } catch (caught) {
    error = caught
  }
  return { output: written.join(''), error }
}

test.each(['websocket', 'http'])('prints every step and the answer over %s', async (transport) => {
  await writeFile()
  answer = CONFIRM
  const { output, error } = await probe('--transport', transport)
  expect(error).toBeUndefined()
  const lines = output.trimEnd().split('\n')
  expect(lines.map((line) => line.split(/\s/)[0])).toEqual([
    'connect',
    'tls',
    'transport',
    'handshake',
    'tunnel',
    'authorization',
    'channel',
    'negotiation',
    `127.0.0.1:${target.port}`,
  ])
  expect(lines[0]).toMatch(/^connect +\d+\.\d ms$/)
  expect(lines.at(-1)).toMatch(/ answers: RDP with ssl$/)
})

test('a target that refuses what was offered is an RDP server all the same', async () => {
  await writeFile()
  const failureCode = NegotiationFailureCode.sslNotAllowedByServer
  answer = encodeConnectionConfirm({ kind: 'failure', failureCode })
  const { output } = await probe('--json')
  const result = JSON.parse(output)
  expect(result).toMatchObject({
    gateway: `localhost:${node.port}`,
    target: `127.0.0.1:${target.port}`,
    transport: 'websocket',
    answer: 'RDP refuses what was offered: sslNotAllowedByServer',
  })
  expect(result.steps).toHaveLength(8)
})

test('a refusal names step and code, in text and in JSON', async () => {
  await writeFile({ token: new Secret('a.b.c') })
  const text = await probe()
  expect(text.error).toMatchObject({
    code: 'ERR_REFUSED',
    message: 'tunnel: refused with E_PROXY_COOKIE_AUTHENTICATION_ACCESS_DENIED [0x800759F8]',
  })
  const { output } = await probe('--json')
  expect(JSON.parse(output).failure).toEqual({
    step: 'tunnel',
    code: 'ERR_REFUSED',
    status: '0x800759F8',
    statusName: 'E_PROXY_COOKIE_AUTHENTICATION_ACCESS_DENIED',
    detail: text.error instanceof Error ? text.error.message : '',
  })
  expect(output).not.toContain('a.b.c')
})

test('a target that stays silent is no answer', async () => {
  await writeFile()
  const { error } = await probe('--timeout', '300ms')
  expect(error).toMatchObject({ code: 'ERR_DEADLINE', step: 'negotiation' })
})

test.each([
  ['gatewayaccesstoken', 'full address:s:a\r\ngatewayhostname:s:b\r\n'],
  ['gatewayhostname', 'full address:s:a\r\ngatewayaccesstoken:s:x\r\n'],
  ['full address', 'gatewayhostname:s:b\r\ngatewayaccesstoken:s:x\r\n'],
  ['negotiate security layer', 'gatewayaccesstoken:s:x\r\nnegotiate security layer:i:0\r\n'],
  [
    'server port',
    'gatewayaccesstoken:s:x\r\ngatewayhostname:s:b\r\nfull address:s:a\r\nserver port:s:abc\r\n',
  ],
])('names the setting %s when the file cannot be followed', async (setting, text) => {
  writeFileSync(rdp, text)
  const { error } = await probe()
  expect(error).toMatchObject({ code: 'ERR_RDP_FILE' })
  expect(String(error)).toContain(setting)
})

test.each(['0s', '-1', 'soon', '1h', '61m', '999999m'])(
  'takes no time limit of %s',
  async (text) => {
    await writeFile()
    const { error } = await probe('--timeout', text)
    expect(error).toMatchObject({ code: 'commander.invalidArgument' })
  },
)

test('a file without a certificate is wrong usage, not a gateway without trust', async () => {
  await writeFile()
  const { error } = await probe('--ca', rdp)
  expect(error).toMatchObject({
    code: 'ERR_USAGE',
    message: `--ca ${rdp}: holds no certificate in PEM`,
  })
})
