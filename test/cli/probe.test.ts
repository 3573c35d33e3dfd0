import { X509Certificate } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext, TLSSocket } from 'node:tls'
import { Command } from 'commander'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { createAuthority } from '../../src/certs/index.ts'
import { register } from '../../src/cli/probe.ts'
import { Secret } from '../../src/lib/index.ts'
import {
  decodePreconnectionBlob,
  encodeConnectionConfirm,
  NegotiationFailureCode,
} from '../../src/protocol/index.ts'
import { renderConsoleFile } from '../../src/rdpfile/index.ts'
import { claimedJti } from '../../src/tokens/index.ts'
import { startNode, type TestNode } from '../gateway/support/test-node.ts'
import { type ScriptedTarget, startTarget } from '../helpers/scripted-target.ts'
import { runCommand, writeFiles } from './run-command.ts'

const CONFIRM = encodeConnectionConfirm({ kind: 'selected', flags: 0, selectedProtocol: 1 })

const GUID = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'

let node: TestNode
let target: ScriptedTarget
/** What the target answers; nothing when undefined. */
let answer: Uint8Array | undefined
/** What takes a connection over once the blob has come, in place of an answer. */
let behindBlob: ((socket: Socket) => void) | undefined
let directory: string
let rdp: string
let ca: string

beforeAll(async () => {
  node = await startNode()
  target = await startTarget(({ socket }) => {
    socket.once('data', (bytes: Buffer) => {
      const blob = behindBlob && decodePreconnectionBlob(bytes)
      if (blob === undefined) {
        if (answer !== undefined) socket.write(answer)
        return
      }
      socket.removeAllListeners('data').pause()
      socket.unshift(bytes.subarray(blob.length))
      behindBlob?.(socket)
    })
  })
  directory = mkdtempSync(join(tmpdir(), 'probe-'))
  rdp = join(directory, 'console.rdp')
  ca = join(directory, 'ca.crt')
  writeFileSync(ca, node.ca)
})

afterEach(() => {
  answer = undefined
  behindBlob = undefined
  vi.restoreAllMocks()
})

afterAll(async () => {
  target.close()
  rmSync(directory, { recursive: true })
  await node.gateway.close()
})

async function writeFile(
  change: { token?: Secret; port?: number; gatewayAddress?: string } = {},
): Promise<void> {
  const { port = target.port, gatewayAddress = `localhost:${node.port}` } = change
  const gatewayToken = change.token ?? (await node.mint(port))
  writeFileSync(
    rdp,
    renderConsoleFile({ kind: 'rdp', host: '127.0.0.1', port, gatewayAddress, gatewayToken }),
  )
}

/** A machine of a host as Hyper-V is one: its console speaks TLS behind the blob. */
async function writeHypervFile(): Promise<void> {
  const { port } = target
  writeFileSync(
    rdp,
    renderConsoleFile({
      kind: 'hyperv',
      host: '127.0.0.1',
      port,
      vmg: GUID,
      gatewayAddress: `localhost:${node.port}`,
      gatewayToken: await node.mint(port, { knd: 'hyperv', vmg: GUID }),
    }),
  )
}

/** Runs the command as the command line would, and returns what it printed. */
async function probe(...options: string[]): Promise<{ output: string; error: unknown }> {
  const written: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.push(String(text))
    return true
  })
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
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
  for (const { durationMs } of result.steps) expect(String(durationMs)).toMatch(/^\d+(\.\d)?$/)
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
  const { connectionId } = JSON.parse(output)
  expect(node.logged('token.refused').at(-1)).toMatchObject({ connectionId })
  expect(output).not.toContain('a.b.c')
})

test('says what to do about a gateway whose authority is not trusted', async () => {
  const { stderr, exitCode } = await runCommand(register, ['probe', rdp])
  expect(stderr).toContain("name the farm's ca.crt with --ca\n")
  expect(stderr).toMatch(/portcullis: tls: the gateway's certificate is of no trusted authority\n$/)
  expect(exitCode).toBe(1)
})

test('says where the reason of a refusal is', async () => {
  const { directory } = writeFiles({})
  await writeFile({ token: new Secret('a.b.c') })
  const named = join(directory, 'web-1-7K3M-Q2XD.rdp')
  renameSync(rdp, named)
  const { stderr } = await runCommand(register, ['probe', named, '--ca', ca])
  const [, connectionId] =
    /^"portcullis why 7K3M-Q2XD" asks .*node's log at connectionId (\S+)$/m.exec(stderr) ?? []
  expect(node.logged('token.refused').at(-1)).toMatchObject({ connectionId })
})

test('a file that is named otherwise is asked about by the jti of its token', async () => {
  const token = await node.mint(target.port, { aud: 'another' })
  await writeFile({ token })
  const { stderr } = await runCommand(register, ['probe', rdp, '--ca', ca])
  expect(stderr).toContain(`"portcullis why ${claimedJti(token)}" asks`)
  const { output } = await probe('--json')
  expect(JSON.parse(output)).toMatchObject({ jti: claimedJti(token) })
})

test.each(['websocket', 'http'])(
  'asks one node of a farm over %s, by its own address',
  async (transport) => {
    answer = CONFIRM
    await writeFile({ gatewayAddress: 'localhost:1' })
    const node1 = `127.0.0.1:${node.port}`
    const { output, error } = await probe('--gateway', node1, '--transport', transport, '--json')
    expect(error).toBeUndefined()
    expect(JSON.parse(output)).toMatchObject({ gateway: node1, answer: 'RDP with ssl' })
  },
)

test('a node that is not of the farm does not get the token', async () => {
  await writeFile({ gatewayAddress: 'gateway.example:443' })
  const { error } = await probe('--gateway', `127.0.0.1:${node.port}`)
  expect(error).toMatchObject({ code: 'ERR_CERTIFICATE', step: 'tls' })
})

test("goes on to the TLS of Hyper-V's console", async () => {
  const { certificatePem: cert, privateKeyPem: key } = await createAuthority({
    commonName: 'hv1',
    organization: 'Example',
    notBefore: new Date(),
    days: 1,
  })
  const context = createSecureContext({ cert, key })
  behindBlob = (socket) => {
    new TLSSocket(socket, { isServer: true, secureContext: context }).on('error', () => {})
  }
  await writeHypervFile()
  const { output, error } = await probe('--json')
  expect(error).toBeUndefined()
  const { fingerprint256 } = new X509Certificate(cert)
  expect(JSON.parse(output).answer).toBe(`TLSv1.3 at once, with certificate ${fingerprint256}`)
})

test.each([
  ['other bytes than TLS', (socket: Socket) => void socket.end(CONFIRM)],
  ['E_PROXY_INTERNALERROR', (socket: Socket) => void socket.resume().end()],
])('a Hyper-V console that gives no TLS is no success: %s', async (text, behave) => {
  behindBlob = behave
  await writeHypervFile()
  const { error } = await probe()
  expect(error).toMatchObject({ step: 'negotiation' })
  expect(String(error)).toContain(text)
})

test('a target that stays silent is no answer', async () => {
  await writeFile()
  const { error } = await probe('--timeout', '6s')
  expect(error).toMatchObject({ code: 'ERR_DEADLINE', step: 'negotiation' })
})

test.each([
  ['gatewayaccesstoken', 'full address:s:a\r\ngatewayhostname:s:b\r\n'],
  ['gatewayhostname', 'full address:s:a\r\ngatewayaccesstoken:s:x\r\n'],
  ['full address', 'gatewayhostname:s:b\r\ngatewayaccesstoken:s:x\r\n'],
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
