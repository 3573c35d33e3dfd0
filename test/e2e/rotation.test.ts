import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openConsole } from '../../src/client/index.ts'
import type { Secret } from '../../src/lib/index.ts'
import { ENTRY } from '../helpers/demo.ts'
import { type FarmRun, startFarm } from '../helpers/farm.ts'
import { runProgram } from '../helpers/programs.ts'

const CONSOLES = 1_000
/** Two cores do all of it: broker, three nodes, and the clients here. */
const AT_ONCE = 16

let farm: FarmRun

beforeAll(async () => {
  farm = await startFarm(['gw1', 'gw2', 'gw3'])
})
afterAll(() => farm?.stop())

async function present(token: Secret, node: number): Promise<void> {
  const port = farm.nodes[node % farm.nodes.length]?.port ?? 0
  const channel = await openConsole({
    gateway: { host: 'localhost', port },
    target: farm.target,
    ca: farm.ca,
    token,
    transport: 'websocket',
    timeoutMs: 60_000,
    onStep: () => {},
  })
  channel.destroy()
}

async function issueNext(name: string): Promise<string[]> {
  const out = join(farm.certs, 'broker', name)
  await runProgram(process.execPath, [
    ...[ENTRY, 'certs', 'issue', '--role', 'issuer', '--from', farm.certs],
    ...['--out', out],
  ])
  return ['--certificate', `${out}.crt`, '--private-key', `${out}.key`]
}

async function primary(): Promise<string> {
  const { body } = await farm.api('GET', '/v1/issuers')
  const { items } = JSON.parse(body.toString('utf8'))
  return items.find(({ use }: { use: string }) => use === 'primary').sha256Thumbprint
}

test('a paused node stops the rotation, which names it and goes on when it is back', async () => {
  const before = await primary()
  const options = await issueNext('issuer-2')
  const paused = farm.nodes[2]?.program.child
  paused?.kill('SIGSTOP')
  try {
    const refused = await farm.cli('issuer', 'rotate', ...options, '--wait', '8s')
    expect(refused).toMatchObject({ code: 1 })
    expect(refused.output).toMatch(/node gw3 has version 1/)
    expect(refused.output).not.toMatch(/node gw[12] has/)
    expect(await primary()).toBe(before)
    await present(await farm.mint(), 0)
  } finally {
    paused?.kill('SIGCONT')
  }
  const done = await farm.cli('issuer', 'rotate', '--wait', '60s')
  expect(done, done.output).toMatchObject({ code: 0 })
  expect(await primary()).not.toBe(before)
  for (const [index] of farm.nodes.entries()) await present(await farm.mint(), index)
})

test('1,000 consoles and more during a rotation, each presented to a node: none fails', {
  timeout: 300_000,
}, async () => {
  const before = await primary()
  const options = await issueNext('issuer-3')
  const failures: unknown[] = []
  const issuers = new Set<string>()
  let next = 0
  // Until the rotation is done, however long that takes, and a while longer.
  let enough = Number.POSITIVE_INFINITY
  const client = async (): Promise<void> => {
    while (next < enough) {
      const index = next
      next += 1
      try {
        const token = await farm.mint()
        issuers.add(String(token.reveal().split('.')[0]))
        await present(token, index)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  const clients = Promise.all(Array.from({ length: AT_ONCE }, client))
  while (next < CONSOLES / 4) await sleep(20)
  const rotated = await farm.cli('issuer', 'rotate', ...options, '--wait', '60s')
  enough = Math.max(CONSOLES, next + CONSOLES / 4)
  await clients
  expect(rotated, rotated.output).toMatchObject({ code: 0 })
  expect(failures).toEqual([])
  expect(issuers.size).toBe(2)
  expect(await primary()).not.toBe(before)
})
