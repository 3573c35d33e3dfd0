import { expect, test } from 'vitest'
import { DEFAULT_CONTROL_LIMITS } from '../../src/control/index.ts'
import { type Heartbeat, MAX_USAGES, type ToBrokerMessage } from '../../src/control/to-broker.ts'
import { workOf } from '../../src/control/work.ts'
import { Secret } from '../../src/lib/index.ts'

const { workBurst, workPerSecond, maxQueuedEvents, maxPendingRedeems, heartbeatMs } =
  DEFAULT_CONTROL_LIMITS

const redeem: ToBrokerMessage = {
  ...{ type: 'redeem', request: 1, token: new Secret('t') },
  ...{ clientAddress: '192.0.2.7', tunnel: 't1' },
}
const event: ToBrokerMessage = { type: 'event', event: 'session.closed', time: 1, fields: {} }
const release: ToBrokerMessage = { type: 'release', tunnel: 't1' }

function heartbeat(tunnels: number, usages: number): ToBrokerMessage {
  const usage: Required<Heartbeat>['usage'] = Array.from({ length: usages }, (_, index) => ({
    ...{ tunnel: `t-${index}`, transport: 'websocket', takesMessages: true },
    ...{ idleSeconds: 1, bytesIn: 1, bytesOut: 1 },
  }))
  const names = Array.from({ length: tunnels }, (_, index) => `t-${index}`)
  const versions = { time: 1, trustVersion: 1, revocationVersion: 1 }
  return { type: 'heartbeat', ...versions, tunnels: names, usage }
}

test('a message costs more the longer it is, and the more tunnels it names', () => {
  expect(workOf(release, 0)).toBe(1)
  expect(workOf(release, 256 * 1024)).toBe(65)
  expect(workOf(heartbeat(4_096, 0), 0)).toBe(4_097)
  expect(workOf(heartbeat(0, 1_024), 0)).toBe(1_025)
  expect(workOf(heartbeat(1_024, 1_024), 0)).toBe(1_025)
})

/** Ten thousand, each message as long as it gets. */
const allTunnels = 10 * workOf(heartbeat(MAX_USAGES, MAX_USAGES), 220 * 1024)

test('a node at full load stays below its allowance', () => {
  const setUp = workOf(redeem, 2_000) + 5 * workOf(event, 700) + workOf(release, 100)
  expect(500 * setUp + (1_000 / heartbeatMs) * allTunnels).toBeLessThan(workPerSecond)
})

test('a node that comes back tells all it has kept without a wait', () => {
  const kept = maxQueuedEvents * workOf(event, 700) + maxPendingRedeems * workOf(redeem, 2_000)
  expect(kept + allTunnels).toBeLessThan(workBurst)
})
