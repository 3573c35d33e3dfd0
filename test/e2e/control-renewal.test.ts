import { once } from 'node:events'
import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCertificate } from '../../src/certs/index.ts'
import { type ConsoleChannel, openConsole } from '../../src/client/index.ts'
import { Secret } from '../../src/lib/index.ts'
import { encodeConnectionRequest } from '../../src/protocol/index.ts'
import { ENTRY } from '../helpers/demo.ts'
import { type EchoHost, startEchoHost } from '../helpers/echo-host.ts'
import { eventually } from '../helpers/eventually.ts'
import { type FarmRun, startFarm } from '../helpers/farm.ts'
import { type HostAgentRun, startHostAgent } from '../helpers/host-agent.ts'
import { freePort } from '../helpers/ports.ts'
import { blob } from '../helpers/preconnection.ts'
import { runProgram } from '../helpers/programs.ts'

const VM = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'
const REQUEST = encodeConnectionRequest({ negotiation: { flags: 0, requestedProtocols: 3 } })
/** Files are looked at every five seconds. */
const APPLIED = { timeoutMs: 60_000 }
const DAYS = 5

let farm: FarmRun
let agent: HostAgentRun
let echo: EchoHost

beforeAll(async () => {
  echo = await startEchoHost()
  const port = await freePort()
  farm = await startFarm(['gw1'], { target: { host: '127.0.0.1', port }, logLevel: 'info' })
  const consoles = { [VM]: `127.0.0.1:${echo.port}` }
  agent = await startHostAgent({ farm, host: 'hv1', port, consoles })
  await farm.api('PUT', '/v1/vms/web', { name: 'Web 1', tenant: 'acme', host: 'hv1', guid: VM })
  const host = { kind: 'agent', address: '127.0.0.1', port, console: { allow: true } }
  await farm.api('PUT', '/v1/hosts/hv1', host)
})

afterAll(async () => {
  await agent?.stop()
  await farm?.stop()
  echo?.stop()
})

async function open(): Promise<ConsoleChannel> {
  const { body } = await farm.api('POST', '/v1/consoles', { vm: 'web' })
  const { gatewayToken, hostToken } = JSON.parse(body.toString('utf8'))
  const channel = await openConsole({
    gateway: { host: 'localhost', port: farm.nodes[0]?.port ?? 0 },
    dial: { host: '127.0.0.1', port: farm.nodes[0]?.port ?? 0 },
    ca: farm.ca,
    transport: 'websocket',
    timeoutMs: 30_000,
    token: new Secret(gatewayToken),
    target: farm.target,
  })
  channel.write(blob(`${VM};Token=${hostToken}`))
  expect(await answerTo(channel, REQUEST)).toEqual(Buffer.from(REQUEST))
  return channel
}

async function answerTo(channel: ConsoleChannel, bytes: Uint8Array): Promise<Buffer> {
  const answered = once(channel, 'data', { signal: AbortSignal.timeout(30_000) })
  channel.write(bytes)
  const [answer] = await answered
  return Buffer.from(answer)
}

/** As an operator does it: another certificate beside the old one, then in its place. */
async function renew(role: 'node' | 'agent', name: string, path: string): Promise<Date> {
  await runProgram(process.execPath, [
    ...[ENTRY, 'certs', 'issue', '--role', role, '--from', farm.certs, '--days', String(DAYS)],
    ...['--name', name, '--name', '127.0.0.1', '--out', `${path}-new`],
  ])
  for (const kind of ['key', 'crt']) await rename(`${path}-new.${kind}`, `${path}.${kind}`)
  return readCertificate(await readFile(`${path}.crt`, 'utf8')).notAfter
}

test('node and agent show another control certificate, and the console between them goes on', async () => {
  const before = await open()
  const nodeEnd = await renew('node', 'gw1', join(farm.certs, 'nodes', 'gw1', 'control'))
  await renew('agent', 'hv1', agent.control)
  await eventually(
    'the broker sees the certificate of the node',
    async () => {
      const { body } = await farm.api('GET', '/v1/nodes/gw1')
      return JSON.parse(body.toString('utf8')).certificateNotAfter === nodeEnd.toISOString()
    },
    APPLIED,
  )
  await eventually(
    'the agent is with its broker again, with the other certificate',
    () => {
      const applied = agent.log.findIndex(
        ({ event, setting }) => event === 'cert.applied' && setting === 'control.tls',
      )
      const since = applied < 0 ? [] : agent.log.slice(applied)
      return since.some(({ event }) => event === 'control.connected')
    },
    APPLIED,
  )
  const after = await open()
  for (const channel of [before, after]) {
    expect(String(await answerTo(channel, Buffer.from('still there')))).toBe('still there')
  }
  expect(agent.log.filter(({ event }) => event === 'session.closed')).toEqual([])
  for (const channel of [before, after]) channel.destroy()
})
