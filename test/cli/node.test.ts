import { expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import { findApi } from '../../src/cli/api-access.ts'
import { callApi } from '../../src/cli/api-client.ts'
import { register } from '../../src/cli/node.ts'
import { assertDrained, type NodeAnswer, untilEmpty } from '../../src/cli/node-drain.ts'
import type { ControlClient, DrainOrder, NodeStatus } from '../../src/control/index.ts'
import { BrokerError } from '../../src/lib/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { useBroker } from './use-broker.ts'

const broker = useBroker({ nodes: ['gw1', 'gw2'] })
const node = (...args: string[]) => broker.run(register, ['node', ...args])

interface TestPeer {
  client: ControlClient
  status: NodeStatus
  orders: (DrainOrder | undefined)[]
}

/** A node's end of the control channel; `obey` is what it makes of a drain. */
async function connect(name: string, obey: (peer: TestPeer) => void): Promise<TestPeer> {
  const applied = { trust: 0, revocations: 0 }
  const client = broker.createNode(name, {
    versions: () => ({ ...applied }),
    applyTrust: ({ version }) => {
      applied.trust = version
    },
    applyRevocations: ({ version }) => {
      applied.revocations = version
    },
    drain: (order) => {
      if (order?.deadline === peer.orders.at(-1)?.deadline) return
      peer.orders.push(order)
      if (order === undefined) peer.status = { ...peer.status, state: 'ready' }
      else obey(peer)
      client.report()
    },
    status: () => peer.status,
  })
  const peer: TestPeer = { client, status: { state: 'ready', tunnels: 2 }, orders: [] }
  onTestFinished(() => client.close())
  client.start()
  await eventually('trusted', () => applied.trust > 0 && client.connected, { intervalMs: 10 })
  client.report()
  return peer
}

const shown = async (name: string) => JSON.parse((await node('show', name, '--json')).stdout)

test('lists nodes side by side, and shows one', async () => {
  await connect('gw1', () => {})
  await eventually('current', async () => (await shown('gw1')).trustCurrent, { intervalMs: 20 })
  const { stdout, exitCode } = await node('list')
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/^NODE +STATE +TUNNELS/)
  expect(stdout).toMatch(/^gw1 +ready +2 +1\.2\.3 +1 +[+-]?\d+ ms +\d{4}-/m)
  expect(JSON.parse((await node('list', '--json')).stdout).items).toMatchObject([{ id: 'gw1' }])
  expect((await node('show', 'gw1')).stdout).toMatch(/^State +ready\nTunnels +2$/m)
  const unknown = await node('show', 'gw9')
  expect(unknown).toMatchObject({ exitCode: 1, stdout: '' })
  expect(unknown.stderr).toContain('not-found')
})

test('drains a node, says how far it is, and puts it back', async () => {
  const peer = await connect('gw1', (it) => {
    it.status = { state: 'draining', tunnels: 2 }
    void hasSaid('2 sessions are open').then(() => {
      it.status = { state: 'draining', tunnels: 0 }
      it.client.report()
    })
  })
  const drained = await node('drain', 'gw1', '--wait', '1m', '--message', 'New cables.', '--json')
  expect(drained.exitCode).toBe(0)
  expect(drained.stderr).toContain('Ctrl-C ends the waiting, not the drain.')
  expect(drained.stderr).toContain('gw1: 2 sessions are open')
  expect(drained.stderr).toContain('gw1 is drained')
  expect(JSON.parse(drained.stdout)).toMatchObject({
    state: 'draining',
    drain: { done: true, message: 'New cables.', askedBy: expect.stringMatching(/^key:/) },
  })
  expect(peer.orders).toMatchObject([{ message: 'New cables.' }])
  expect((await node('show', 'gw1')).stdout).toMatch(/^Message +New cables\.$/m)
  expect((await node('list')).stdout).toMatch(/^gw1 +draining, done +0 /m)
  expect(await node('drain', 'gw1', '--cancel')).toMatchObject({ exitCode: 0, stdout: '' })
  await eventually('back', async () => (await shown('gw1')).state === 'ready', { intervalMs: 20 })
  expect(peer.orders.at(-1)).toBeUndefined()
})

/** What `runCommand` keeps is what the command writes. */
const hasSaid = (text: string) =>
  eventually(text, () =>
    vi.mocked(process.stderr.write).mock.calls.some(([said]) => String(said).includes(text)),
  )

test('says that somebody else has cancelled', async () => {
  await connect('gw1', (it) => {
    it.status = { state: 'draining', tunnels: 2 }
    setTimeout(() => void cancel('gw1'), 300)
  })
  const { exitCode, stderr } = await node('drain', 'gw1')
  expect(exitCode).toBe(1)
  expect(stderr).toContain('the drain was cancelled')
})

async function cancel(name: string): Promise<void> {
  const api = await findApi({
    api: `https://127.0.0.1:${broker.address.port}`,
    keyFile: broker.files.keyFile,
    ca: broker.files.caFile,
  })
  await callApi(api, 'DELETE', `/v1/nodes/${name}/drain`, { answer: z.undefined() })
}

const DRAIN = { askedAt: '', deadline: '', askedBy: '', confirmed: true, done: false }
const NODE: NodeAnswer = {
  ...{ id: 'gw1', state: 'draining', issues: [], tunnels: 2 },
  ...{ trustVersion: 1, trustCurrent: true, revocationVersion: 0, lastSeenAt: 'now' },
  drain: DRAIN,
}
const unconfirmed: NodeAnswer = { ...NODE, drain: { ...DRAIN, confirmed: false } }
const lost: NodeAnswer = { ...NODE, state: 'lost', issues: ['no heartbeat for 40 s'] }
const WAITS = { askEveryMs: 5, graceMs: 20, confirmMs: 40, outageMs: 30 }

test.each([
  ['that never confirms', unconfirmed, 60_000, 'ERR_REFUSED', 'has not confirmed'],
  ['whose sessions stay', NODE, 10, 'ERR_REFUSED', '2 sessions are still open'],
  ['that is lost', lost, 60_000, 'ERR_NO_ANSWER', 'no heartbeat for 40 s'],
])('waits no longer for a node %s', async (_, answer, leftMs, code, text) => {
  hush()
  const last = await untilEmpty(unconfirmed, async () => answer, leftMs, WAITS)
  expect(() => assertDrained(last)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(text) }),
  )
})

test('waits for a broker that restarts, not for one that stays away', async () => {
  hush()
  let asked = 0
  const away = new BrokerError('ERR_NO_ANSWER', 'away')
  const done: NodeAnswer = { ...NODE, drain: { ...DRAIN, done: true } }
  const restarting = async () => {
    asked += 1
    if (asked < 3) throw away
    return done
  }
  expect(await untilEmpty(NODE, restarting, 60_000, { ...WAITS, outageMs: 60_000 })).toBe(done)
  await expect(untilEmpty(NODE, () => Promise.reject(away), 60_000, WAITS)).rejects.toBe(away)
})

/** What is said of the progress is not this test's. */
function hush(): void {
  const spy = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  onTestFinished(() => spy.mockRestore())
}
