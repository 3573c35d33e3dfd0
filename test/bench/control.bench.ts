import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, test } from 'vitest'
import type { ControlClient } from '../../src/control/index.ts'
import type { Secret } from '../../src/lib/index.ts'
import { connectClient } from '../helpers/presenter.ts'
import { type RedeemFarm, startRedeemFarm } from '../helpers/redeem-farm.ts'

const TOKENS = 4_000

let farm: RedeemFarm
let clients: ControlClient[]

beforeAll(async () => {
  farm = await startRedeemFarm(['gw1', 'gw2'])
  clients = await Promise.all(
    ['gw1', 'gw2'].map((name) => connectClient({ ...farm, tls: farm.nodeTls(name) })),
  )
})

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()))
  await farm.close()
})

/** Each token once, `atOnce` of them in flight, over the channels of two nodes in turn. */
async function redeemAll(tokens: Secret[], atOnce: number): Promise<number[]> {
  const durations: number[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let index = next++; index < tokens.length; index = next++) {
      const token = tokens[index]
      const client = clients[index % clients.length]
      if (token === undefined || client === undefined) return
      const started = performance.now()
      const answer = await client.redeem({
        token,
        clientAddress: '192.0.2.1',
        tunnel: randomUUID(),
      })
      durations.push(performance.now() - started)
      if (!answer.ok) throw new Error(answer.reason)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return durations.sort((a, b) => a - b)
}

/**
 * Broker (verification, SQLite with `synchronous=FULL`) and both clients share this process, so the CPU
 * figure is of both ends together.
 */
test.each([1, 16, 64, 256])('redeems over the control channel, %i in flight', async (atOnce) => {
  const count = atOnce === 1 ? TOKENS / 8 : TOKENS
  const tokens = await Promise.all(Array.from({ length: count }, () => farm.mint()))
  await redeemAll(tokens.splice(0, 100), atOnce)
  const cpu = process.cpuUsage()
  const started = performance.now()
  const durations = await redeemAll(tokens, atOnce)
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const at = (share: number): string =>
    (durations[Math.floor((durations.length - 1) * share)] ?? 0).toFixed(2)
  const perSecond = Math.round(tokens.length / seconds)
  const cpuMs = (user + system) / 1000 / tokens.length
  console.log(
    `redeem: ${atOnce} in flight, ${perSecond}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, CPU of both ends ${cpuMs.toFixed(2)} ms each`,
  )
})
