import { afterEach, expect, test } from 'vitest'
import { type ConsoleChannel, openConsole } from '../../src/client/index.ts'
import { type EchoHost, startEchoHost } from '../helpers/echo-host.ts'
import { eventually } from '../helpers/eventually.ts'
import { startNode, type TestNode } from './support/test-node.ts'

let node: TestNode
let host: EchoHost
const lines: string[] = []

async function start(): Promise<void> {
  lines.length = 0
  host = await startEchoHost()
  node = await startNode({ trace: (line) => void lines.push(line) })
}
afterEach(async () => {
  await node.gateway.close()
  host.stop()
})

async function open(transport: 'websocket' | 'http', id: string): Promise<ConsoleChannel> {
  return openConsole({
    gateway: { host: 'localhost', port: node.port },
    ca: node.ca,
    target: { host: '127.0.0.1', port: host.port },
    token: await node.mint(host.port),
    connectionId: id,
    transport,
    timeoutMs: 20_000,
  })
}

/** Without times, ids and lengths. */
function told(): string[] {
  return lines.map((line) => {
    expect(line).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z /)
    return line.split(' ').slice(1, 4).join(' ')
  })
}

test.each(['websocket', 'http'] as const)(
  'writes down all packets of a tunnel over %s',
  async (transport) => {
    await start()
    const channel = await open(transport, '11111111-1111-4111-8111-111111111111')
    // An X.224 connection request, which is what a host of this kind gets first.
    channel.write(Buffer.from('030000130ee000000000000100080003000000', 'hex'))
    channel.once('data', () => channel.destroy())
    await eventually('the end', async () => lines.at(-1)?.endsWith('tunnel closed') === true)
    expect(lines[0]).toContain(`tunnel over ${transport} from 127.0.0.1, 11111111-1111-4111`)
    expect(told().slice(1, -1)).toEqual([
      'client > HANDSHAKE_REQUEST',
      'client < HANDSHAKE_RESPONSE',
      'client > TUNNEL_CREATE',
      'client < TUNNEL_RESPONSE',
      'client > TUNNEL_AUTH',
      'client < TUNNEL_AUTH_RESPONSE',
      'client > CHANNEL_CREATE',
      'client < CHANNEL_RESPONSE',
      'client > DATA',
      'client < DATA',
    ])
    expect(lines.join('\n')).not.toContain('eyJ')
  },
)

test('leaves out a tunnel that begins while another is traced, and takes the next', async () => {
  await start()
  const [one, two, three] = ['1', '2', '3'].map((digit) =>
    '11111111-1111-4111-8111-11111111111x'.replace('x', digit),
  )
  const first = await open('websocket', one ?? '')
  const second = await open('websocket', two ?? '')
  first.destroy()
  await eventually('the end', async () => lines.at(-1)?.endsWith('tunnel closed') === true)
  second.destroy()
  const third = await open('websocket', three ?? '')
  third.destroy()
  const text = lines.join('\n')
  expect([one, two, three].map((id) => text.includes(String(id)))).toEqual([true, false, true])
})
