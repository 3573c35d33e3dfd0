import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { LONG } from '../helpers/long.ts'
import { total } from '../helpers/metrics.ts'
import { type NodeProcess, startNodeProcess } from '../helpers/node-process.ts'
import { freePort } from '../helpers/ports.ts'
import { seedFrom } from '../helpers/random.ts'
import { type RedeemFarm, startRedeemFarm } from '../helpers/redeem-farm.ts'
import { type ChaosHost, startChaosHost } from './chaos/host.ts'
import { describePlan, type Plan, planOf } from './chaos/plan.ts'
import { type Outcome, runSession } from './chaos/session.ts'

const SESSIONS = LONG ? 3_000 : 300
/** A run is had again with the seed that it printed. */
const SEED = seedFrom('CHAOS_SEED')
const AT_ONCE = 32
/** Of Linux's loopback: each session dials its host by an address of its own. */
const HOSTS_CIDR = '127.64.0.0/16'

let farm: RedeemFarm
let host: ChaosHost
let node: NodeProcess
/** What the node dials, at an address for each session. */
let port: number
const plans = new Map<string, Plan>()

beforeAll(async () => {
  farm = await startRedeemFarm(['gw1'])
  host = await startChaosHost((address) => {
    const plan = plans.get(address)
    if (plan === undefined) throw new Error(`no session has the address ${address}`)
    return plan
  })
  port = await freePort()
  const allow = [{ cidr: HOSTS_CIDR, ports: [port] }]
  node = await startNodeProcess({ farm, name: 'gw1', allow })
})
afterAll(async () => {
  await node?.stop()
  host?.stop()
  await farm?.close()
})

async function run(plan: Plan): Promise<Outcome> {
  const address = `127.64.${plan.index >> 8}.${plan.index & 0xff}`
  plans.set(address, plan)
  return runSession({
    plan,
    seed: SEED,
    nodePort: node.port,
    ca: farm.ca,
    token: await farm.mint({ dst: `${address}:${port}` }),
    target: { host: address, port },
    hostPort: host.port,
  })
}

/** What must be there again at the end, and what must be zero. */
async function standing(): Promise<Record<string, number>> {
  const figures = await node.scrape()
  const at = (name: string): number => figures.get(name) ?? 0
  return {
    tunnels: at('tunnels{transport="websocket"}') + at('tunnels{transport="http"}'),
    halfOpen: at('half_open'),
    queuedIn: at('queued_bytes{direction="in"}'),
    queuedOut: at('queued_bytes{direction="out"}'),
    descriptors: at('process_open_fds'),
    sockets: at('nodejs_active_resources{type="TCPSocketWrap"}'),
    atHost: host.sockets.size,
  }
}

test(`${SESSIONS} sessions through a network that cuts, stalls and resets leave nothing behind`, {
  timeout: LONG ? 900_000 : 300_000,
}, async () => {
  process.stdout.write(`chaos: CHAOS_SEED=${SEED} has this run again\n`)
  const before = await standing()
  const outcomes: { plan: Plan; outcome: Outcome }[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < SESSIONS) {
      const plan = planOf(SEED, next++)
      outcomes.push({ plan, outcome: await run(plan) })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))

  // Nobody has got a byte that was not meant for them, and what was only slow was served whole.
  expect(host.faults).toEqual([])
  expect(outcomes.flatMap(({ outcome }) => outcome.fault ?? [])).toEqual([])
  const failed = outcomes.filter(({ plan, outcome }) => plan.harmless && !outcome.complete)
  expect(failed.map(({ plan, outcome }) => `${outcome.error} ${describePlan(plan)}`)).toEqual([])

  await eventually('everything given back', async () => {
    const after = await standing()
    // A node that has just started may hold some that it gives back.
    const descriptors = Math.max(before.descriptors ?? 0, after.descriptors ?? 0)
    const sockets = Math.max(before.sockets ?? 0, after.sockets ?? 0)
    expect({ ...after, descriptors, sockets }).toEqual(before)
    return true
  })
  await eventually('the broker knows', async () => (await farm.sessions()).length === 0)
  expect(farm.errors).toEqual([])

  const figures = await node.scrape()
  const openedTotal = total(figures, 'tunnels_opened_total')
  expect(total(figures, 'tunnels_ended_total')).toBe(openedTotal)
  // The lines come by another way than the figures.
  await eventually('all lines', () => logged('session.closed').length >= openedTotal)
  const opened = logged('tunnel.created').map(({ tunnel }) => tunnel)
  const ends = logged('session.closed')
  expect(opened).toHaveLength(openedTotal)
  expect(ends.map(({ tunnel }) => tunnel).sort()).toEqual(opened.sort())
  const reasons = new Set(ends.map(({ reason }) => reason))
  expect([...reasons].sort()).toEqual(['client-closed', 'host-closed'])
  expect(node.log.filter(({ level }) => level === 'error')).toEqual([])
  for (const name of ['tunnels_ended_total', 'refusals_total']) {
    expect(figures.get(`${name}{reason="internal-error"}`)).toBe(0)
  }
  const complete = outcomes.filter(({ outcome }) => outcome.complete).length
  const counted = `${opened.length} of ${SESSIONS} sessions got a tunnel, ${complete} all their bytes`
  process.stdout.write(`chaos: ${counted}\n`)

  for (const transport of ['websocket', 'http'] as const) {
    expect(await run({ ...QUIET, transport })).toEqual({ complete: true })
  }
})

const STRAIGHT = { maxPieceBytes: 65_536, delayMs: 0 }
const QUIET: Plan = {
  index: SESSIONS,
  transport: 'websocket',
  payload: planOf(SEED, 0).payload,
  client: {},
  host: {},
  front: [STRAIGHT, STRAIGHT],
  back: STRAIGHT,
  harmless: true,
}

function logged(event: string) {
  return node.log.filter((line) => line.event === event)
}
