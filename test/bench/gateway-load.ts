/**
 * The client's side of the gateway's benchmark, a process of its own so that its CPU time is not the
 * node's. Started by `gateway.bench.ts`; every message is one order, answered by its figures.
 */
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import tls, { type TLSSocket } from 'node:tls'
import { dialTcp, startTls } from '../../src/client/dial.ts'
import { openConsole, type TransportKind } from '../../src/client/index.ts'
import { Secret, withDeadline } from '../../src/lib/index.ts'
import { encodeConnectionRequest, SecurityProtocol } from '../../src/protocol/index.ts'
import { cpuSeconds, residentBytes } from './process-usage.ts'

/** The way to the target; `tls` means TLS and nothing else. */
export interface Route {
  kind: TransportKind | 'tls'
  /** What is dialled. */
  port: number
  ca: string
  /** Behind a gateway: the target's, and one token for each connection. */
  targetPort: number
  tokens: string[]
  /** Whose CPU and memory count. */
  pid: number
}

export type Order = { route: Route } & (
  | { task: 'set-ups'; count: number; atOnce: number }
  | { task: 'receive' | 'send'; tunnels: number; seconds: number }
  | { task: 'round-trips'; count: number }
  | { task: 'idle'; tunnels: number }
)

export interface Figures {
  /** Of the process at `route.pid`. */
  cpuSeconds: number
  seconds: number
  bytes: number
  /** Sorted. */
  timesMs: number[]
  residentBytes: number
  /** Cipher and key-exchange group of a connection; for the route `tls` only. */
  tls: string
}

/** Every connection of a run offers this one, so that all peers use the same. */
tls.DEFAULT_ECDH_CURVE = 'X25519'

const TIMEOUT_MS = 20_000
const WARM_UP_MS = 300
const PIECE = Buffer.alloc(64 * 1024, 'piece')
/** A node lets nothing pass before it: every connection begins with it. */
const FIRST_BYTES = encodeConnectionRequest({
  negotiation: { flags: 0, requestedProtocols: SecurityProtocol.ssl },
})

async function open({ kind, port, ca, targetPort, tokens }: Route): Promise<Duplex> {
  const gateway = { host: 'localhost', port }
  if (kind === 'tls') {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const address = { host: '127.0.0.1', port }
    return startTls(await dialTcp(address, signal), { ca, host: 'localhost' }, signal)
  }
  const token = new Secret(tokens.pop() ?? '')
  const target = { host: '127.0.0.1', port: targetPort }
  return openConsole({ gateway, ca, transport: kind, token, target, timeoutMs: TIMEOUT_MS })
}

function openAll(route: Route, count: number): Promise<Duplex[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const channel = await open(route)
      channel.on('error', () => {})
      channel.write(FIRST_BYTES)
      return channel
    }),
  )
}

function echoed(channel: Duplex, length: number): Promise<void> {
  return withDeadline(
    new Promise<void>((resolve) => {
      let left = length
      const onData = (bytes: Buffer): void => {
        left -= bytes.length
        if (left > 0) return
        channel.off('data', onData)
        resolve()
      }
      channel.on('data', onData)
    }),
    TIMEOUT_MS,
    'echo',
  )
}

async function setUps(route: Route, count: number, atOnce: number): Promise<Partial<Figures>> {
  const timesMs: number[] = []
  let left = count
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const start = performance.now()
      const [channel] = await openAll(route, 1)
      if (channel === undefined) return
      await echoed(channel, FIRST_BYTES.length)
      timesMs.push(performance.now() - start)
      channel.destroy()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return { timesMs: timesMs.sort((a, b) => a - b) }
}

async function receive(route: Route, tunnels: number, seconds: number): Promise<Partial<Figures>> {
  const channels = await openAll(route, tunnels)
  let bytes = 0
  for (const channel of channels) channel.on('data', (data: Buffer) => (bytes += data.length))
  return stream(route, channels, seconds, () => bytes)
}

async function send(route: Route, tunnels: number, seconds: number): Promise<Partial<Figures>> {
  const channels = await openAll(route, tunnels)
  let bytes = 0
  for (const channel of channels) {
    const next = (): void => {
      if (channel.destroyed) return
      channel.write(PIECE, () => {
        bytes += PIECE.length
        // A write that is done at once would otherwise keep timers and reads waiting for ever.
        setImmediate(next)
      })
    }
    next()
  }
  return stream(route, channels, seconds, () => bytes)
}

async function stream(
  { pid }: Route,
  channels: Duplex[],
  seconds: number,
  bytes: () => number,
): Promise<Partial<Figures>> {
  await sleep(WARM_UP_MS)
  const before = { bytes: bytes(), cpu: cpuSeconds(pid), ms: performance.now() }
  await sleep(seconds * 1000)
  const figures = {
    bytes: bytes() - before.bytes,
    cpuSeconds: cpuSeconds(pid) - before.cpu,
    seconds: (performance.now() - before.ms) / 1000,
  }
  for (const channel of channels) channel.destroy()
  await sleep(WARM_UP_MS)
  return figures
}

async function roundTrips(route: Route, count: number): Promise<Partial<Figures>> {
  const [channel] = await openAll(route, 1)
  if (channel === undefined) return {}
  await echoed(channel, FIRST_BYTES.length)
  const message = Buffer.alloc(100, 'ping')
  const timesMs: number[] = []
  for (let index = 0; index < count; index += 1) {
    const start = performance.now()
    channel.write(message)
    await echoed(channel, message.length)
    if (index >= count / 10) timesMs.push(performance.now() - start)
  }
  const described = route.kind === 'tls' ? describeTls(channel as TLSSocket) : ''
  channel.destroy()
  return { timesMs: timesMs.sort((a, b) => a - b), tls: described }
}

/** Resident memory that the tunnels add, 1 s after they stand. */
async function idle(route: Route, tunnels: number): Promise<Partial<Figures>> {
  const before = residentBytes(route.pid)
  const channels: Duplex[] = []
  for (let index = 0; index < tunnels; index += 20) {
    channels.push(...(await openAll(route, Math.min(20, tunnels - index))))
  }
  await sleep(1_000)
  const added = residentBytes(route.pid) - before
  for (const channel of channels) channel.destroy()
  await sleep(WARM_UP_MS)
  return { residentBytes: added }
}

function describeTls(socket: TLSSocket): string {
  const key = socket.getEphemeralKeyInfo()
  const group = key !== null && 'name' in key ? key.name : ''
  return `${socket.getProtocol()} ${socket.getCipher().name} ${group}`
}

function run(order: Order): Promise<Partial<Figures>> {
  const { route } = order
  switch (order.task) {
    case 'set-ups':
      return setUps(route, order.count, order.atOnce)
    case 'receive':
      return receive(route, order.tunnels, order.seconds)
    case 'send':
      return send(route, order.tunnels, order.seconds)
    case 'round-trips':
      return roundTrips(route, order.count)
    case 'idle':
      return idle(route, order.tunnels)
  }
}

process.on('message', async (order: Order) => {
  const { pid } = order.route
  const before = { cpu: cpuSeconds(pid), ms: performance.now() }
  const figures = await run(order)
  process.send?.({
    cpuSeconds: cpuSeconds(pid) - before.cpu,
    seconds: (performance.now() - before.ms) / 1000,
    bytes: 0,
    timesMs: [],
    residentBytes: 0,
    tls: '',
    ...figures,
  })
})
process.once('disconnect', () => process.exit())
