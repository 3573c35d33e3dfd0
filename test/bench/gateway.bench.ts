import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Figures } from './gateway-load.ts'
import { type Behind, type Rig, startRig } from './gateway-rig.ts'

/** `BENCH_SHORT=1`: one round of everything, to see that it runs. */
const SHORT = process.env.BENCH_SHORT !== undefined
const ROUNDS = SHORT ? 1 : 3
const SECONDS = SHORT ? 0.5 : 1.5
const SET_UPS = SHORT ? 100 : 600
/** Before the first one that counts: a node runs for weeks, its compiler is done after the first thousand. */
const WARM_UPS = SHORT ? 0 : 600
const ROUND_TRIPS = SHORT ? 300 : 3_000
/** With few tunnels it is V8's own growth that is measured: 11 to 25 KiB more for each of 500. */
const IDLE_TUNNELS = SHORT ? 50 : 2_000
const AT_ONCE = 32
const START_TIMEOUT_MS = 60_000

type Peer = 'websocket' | 'http' | 'websocket behind' | 'http behind' | 'haproxy' | 'direct'
const NAMES: Record<Peer, string> = {
  websocket: 'node, WebSocket',
  http: 'node, OUT/IN',
  'websocket behind': 'node behind HAProxy, WebSocket',
  'http behind': 'node behind HAProxy, OUT/IN',
  haproxy: 'HAProxy, TLS only',
  direct: 'direct TLS',
}

let rig: Rig

/** A route through one peer; undefined where it is not there. */
async function routeOf(peer: Peer, behind: Behind, connections: number) {
  if (peer === 'haproxy') return rig.throughHaproxy(behind)
  if (peer === 'websocket behind') return rig.behindHaproxy('websocket', behind, connections)
  if (peer === 'http behind') return rig.behindHaproxy('http', behind, connections)
  return peer === 'direct' ? rig.direct() : rig.through(peer, behind, connections)
}

/** The peers take turns, round by round, so that what else the machine does meets them alike. */
async function inTurns(
  peers: Peer[],
  measure: (peer: Peer) => Promise<Figures | undefined>,
): Promise<Map<Peer, Figures[]>> {
  const figures = new Map<Peer, Figures[]>()
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const peer of peers) {
      const measured = await measure(peer)
      if (measured !== undefined) figures.set(peer, [...(figures.get(peer) ?? []), measured])
    }
  }
  return figures
}

function report(what: string, figures: Map<Peer, Figures[]>, line: (all: Figures[]) => string) {
  for (const [peer, all] of figures) {
    process.stdout.write(`${what} | ${NAMES[peer]} | ${line(all)}\n`)
  }
}

function median(all: Figures[], value: (figures: Figures) => number): number {
  const sorted = all.map(value).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function percentile({ timesMs }: Figures, share: number): number {
  return timesMs[Math.floor((timesMs.length - 1) * share)] ?? Number.NaN
}

async function measureSetUps(title: string): Promise<void> {
  const peers: Peer[] = ['websocket', 'http', 'websocket behind', 'http behind', 'haproxy']
  const run = async (peer: Peer, count: number): Promise<Figures | undefined> => {
    const route = await routeOf(peer, 'echo', count)
    return route && rig.order({ task: 'set-ups', route, count, atOnce: AT_ONCE })
  }
  for (const peer of peers) await run(peer, WARM_UPS)
  const figures = await inTurns(peers, (peer) => run(peer, SET_UPS))
  report(`set-ups, ${AT_ONCE} clients, ${title}`, figures, (all) => {
    const rate = median(all, ({ timesMs, seconds }) => timesMs.length / seconds)
    const cpuMs = median(all, ({ timesMs, cpuSeconds }) => (cpuSeconds * 1000) / timesMs.length)
    return `${Math.round(rate)}/s | CPU ${cpuMs.toFixed(2)} ms each`
  })
}

describe('RSA-2048 certificate', () => {
  beforeAll(async () => {
    rig = await startRig('rsa-2048')
    await rig.startNode()
  }, START_TIMEOUT_MS)
  afterAll(() => rig[Symbol.asyncDispose]())

  test('set-ups', () => measureSetUps('RSA-2048'))
})

/** Redeems go over the live control channel; tokens are signed with ES256. */
describe('P-256 certificate', () => {
  beforeAll(async () => {
    rig = await startRig('ec-p256')
    await rig.startNode()
  }, START_TIMEOUT_MS)
  afterAll(() => rig[Symbol.asyncDispose]())

  test('set-ups', () => measureSetUps('P-256'))

  test('round trips of 100 bytes', async () => {
    const peers: Peer[] = ['direct', 'haproxy', 'websocket', 'http']
    const figures = await inTurns(peers, async (peer) => {
      const route = await routeOf(peer, 'echo', 1)
      return route && rig.order({ task: 'round-trips', route, count: ROUND_TRIPS })
    })
    const direct = figures.get('direct') ?? []
    process.stdout.write(`TLS of all: ${direct[0]?.tls}\n`)
    report('round trip', figures, (all) => {
      const at = (share: number): string => {
        const of = (run: Figures): number => percentile(run, share) * 1000
        return `${median(all, of).toFixed(0)} µs (+${(median(all, of) - median(direct, of)).toFixed(0)})`
      }
      return `p50 ${at(0.5)} | p99 ${at(0.99)}`
    })
  })

  test.for([
    ['receive', 1],
    ['receive', AT_ONCE],
    ['send', 1],
    ['send', AT_ONCE],
  ] as const)('throughput: %s, %i tunnels', async ([task, tunnels]) => {
    const figures = await inTurns(['haproxy', 'websocket', 'http'], async (peer) => {
      const route = await routeOf(peer, task === 'receive' ? 'flood' : 'sink', tunnels)
      return route && rig.order({ task, route, tunnels, seconds: SECONDS })
    })
    const perGb = (run: Figures): number => run.cpuSeconds / (run.bytes / 1e9)
    const base = median(figures.get('haproxy') ?? [], perGb)
    const way = task === 'receive' ? 'host to client' : 'client to host'
    report(`${way}, ${tunnels} tunnels`, figures, (all) => {
      const rate = median(all, ({ bytes, seconds }) => bytes / seconds / 1e6)
      const cpu = median(all, perGb)
      return `${rate.toFixed(0)} MB/s | CPU ${cpu.toFixed(2)} s/GB (${(cpu / base).toFixed(2)} of HAProxy)`
    })
  })

  test('memory of an idle tunnel', async () => {
    for (const peer of ['websocket', 'http', 'haproxy'] as const) {
      // A fresh process: what earlier tunnels have given back would hide what these take.
      if (peer !== 'haproxy') await rig.startNode()
      const warmUp = await routeOf(peer, 'echo', 20)
      if (warmUp === undefined) continue
      await rig.order({ task: 'idle', route: warmUp, tunnels: 20 })
      const route = await routeOf(peer, 'echo', IDLE_TUNNELS)
      if (route === undefined) continue
      const figures = await rig.order({ task: 'idle', route, tunnels: IDLE_TUNNELS })
      report('idle', new Map([[peer, [figures]]]), ([run]) => {
        return `${((run?.residentBytes ?? 0) / 1024 / IDLE_TUNNELS).toFixed(0)} KiB each`
      })
    }
  })
})
