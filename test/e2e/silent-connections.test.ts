import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../../src/gateway/index.ts'
import { decodeTunnelResponse, PacketType } from '../../src/protocol/index.ts'
import { residentBytes } from '../bench/process-usage.ts'
import { eventually } from '../helpers/eventually.ts'
import { type NodeProcess, startNodeProcess } from '../helpers/node-process.ts'
import { openWebSocket, requests } from '../helpers/packet-client.ts'
import { type RedeemFarm, startRedeemFarm } from '../helpers/redeem-farm.ts'

const WANTED = 10_000
/** Descriptors that the runner and the broker in this process need. */
const OTHER_DESCRIPTORS = 1_000
const ALLOW = [{ cidr: '192.0.2.0/24', ports: [3389] }]
const AT_ONCE = 500
/** Less than one address may have. */
const PER_ADDRESS = DEFAULT_LIMITS.maxConnectionsPerAddress / 2
/** On a busy machine; less than those who are silent would have to be waited for. */
const PROMPT_MS = DEFAULT_LIMITS.requestHeadTimeoutMs * 0.8
/** Beside the time of the limit, for ten thousand ends. */
const ENDS_MS = 30_000
/** Measured: 22 KiB for one that has not begun TLS. */
const BYTES_EACH = 48 * 1024
/** What a node has open beside its clients, and the connections of the clients that are served meanwhile. */
const OTHER_AT_NODE = 100

let farm: RedeemFarm
let node: NodeProcess
const silent: Socket[] = []

beforeAll(async () => {
  farm = await startRedeemFarm(['gw1'])
  node = await startNodeProcess({ farm, name: 'gw1', allow: ALLOW })
})
afterAll(async () => {
  for (const socket of silent) socket.destroy()
  await node?.stop()
  await farm?.close()
})

test('ten thousand connections that never speak keep nobody out, and are gone after their time', async () => {
  const { pid } = node.program
  await serveOne()
  const before = { descriptors: descriptorsOf(pid), bytes: residentBytes(pid) }
  const count = Math.min(WANTED, maxDescriptors() - OTHER_DESCRIPTORS)

  const served: number[] = []
  while (silent.length < count) {
    await openSilent(Math.min(AT_ONCE, count - silent.length))
    served.push(await serveOne())
  }
  const held = { descriptors: descriptorsOf(pid), bytes: residentBytes(pid) }
  report(count, held, served)
  expect(held.descriptors).toBeLessThan(DEFAULT_LIMITS.maxConnections + OTHER_AT_NODE)
  expect(held.bytes - before.bytes).toBeLessThan(DEFAULT_LIMITS.maxConnections * BYTES_EACH)
  expect(Math.max(...served)).toBeLessThan(PROMPT_MS)

  await eventually('all gone', () => descriptorsOf(pid) <= before.descriptors + 2, {
    timeoutMs: DEFAULT_LIMITS.requestHeadTimeoutMs + ENDS_MS,
    context: () => `${descriptorsOf(pid)} descriptors, ${before.descriptors} before`,
  })
  expect(await serveOne()).toBeLessThan(PROMPT_MS)
  await eventually('no place held', async () => (await node.scrape()).get('half_open') === 0)
})

/** Waits for all of them: a listener's queue is short, and what overflows it was never accepted. */
async function openSilent(count: number): Promise<void> {
  const opened = Array.from({ length: count }, (_, index) => {
    const address = 2 + Math.floor((silent.length + index) / PER_ADDRESS)
    const localAddress = `127.0.0.${address}`
    return connect({ host: '127.0.0.1', port: node.port, localAddress }).on('error', () => {})
  })
  await Promise.all(opened.map((socket) => once(socket, 'connect')))
  silent.push(...opened)
}

/** @returns milliseconds from TCP to a tunnel that the broker has admitted */
async function serveOne(): Promise<number> {
  const token = await farm.mint({ dst: '192.0.2.1:3389' })
  const startedAtMs = performance.now()
  const client = await openWebSocket(node.port, farm.ca)
  client.send(requests.handshake())
  await client.receive()
  client.send(requests.tunnel(token))
  const answer = await client.receive()
  const tookMs = performance.now() - startedAtMs
  expect(answer?.type).toBe(PacketType.tunnelResponse)
  expect(decodeTunnelResponse(answer?.body ?? new Uint8Array()).statusCode).toBe(0)
  for (const { socket } of client.connections) socket.destroy()
  return tookMs
}

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** What the system lets this process have; Node has raised it as far as it may. */
function maxDescriptors(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8')
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 1_024)
}

function report(
  count: number,
  held: { descriptors: number; bytes: number },
  served: number[],
): void {
  const slowest = Math.max(...served).toFixed(0)
  const mebibytes = (held.bytes / 2 ** 20).toFixed(0)
  process.stdout.write(
    `silent: ${count} opened, node has ${held.descriptors} descriptors, ${mebibytes} MiB; ` +
      `others served in ${slowest} ms at most\n`,
  )
}
