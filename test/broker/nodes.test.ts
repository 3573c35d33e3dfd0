import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Heartbeat, Peer, Push } from '../../src/control/index.ts'
import { Secret } from '../../src/lib/index.ts'
import { createTestBroker, NOW_MS, type TestBroker } from './support.ts'

const GW1: Peer = { name: 'gw1', role: 'node' }
const DAY_MS = 24 * 60 * 60_000

let api: TestBroker
let pushed: Push[]

beforeEach(async () => {
  api = await createTestBroker()
  subscribe()
  await join()
})
afterEach(() => api.close())

function subscribe(): void {
  pushed = []
  api.broker.control.subscribe((message) => pushed.push(message))
}

async function join(peer = GW1, certificateNotAfterMs = NOW_MS + 30 * DAY_MS): Promise<void> {
  const about = { address: '192.0.2.1', software: '1.2.3', protocol: 3, certificateNotAfterMs }
  await api.broker.control.joined(peer, about)
  await beat({}, peer)
}

function beat(change: Partial<Heartbeat> = {}, peer = GW1): Promise<void> {
  return api.broker.control.heartbeat(peer, {
    time: api.clock.now(),
    trustVersion: 1,
    revocationVersion: 0,
    tunnels: [],
    status: { state: 'ready', tunnels: 0 },
    ...change,
  })
}

const show = async (id = 'gw1') => (await api.get(`/v1/nodes/${id}`).expect(200)).body

test('a node is listed as its control channel shows it', async () => {
  await beat({ time: NOW_MS + 250, status: { state: 'ready', tunnels: 7 } })
  const { body } = await api.get('/v1/nodes').expect(200)
  expect(body.items).toEqual([
    {
      ...{ id: 'gw1', state: 'ready', issues: [], tunnels: 7, software: '1.2.3' },
      ...{ address: '192.0.2.1', trustVersion: 1, trustCurrent: true, revocationVersion: 0 },
      clockOffsetMs: 250,
      certificateNotAfter: '2030-01-31T12:00:00.000Z',
      lastSeenAt: '2030-01-01T12:00:00.000Z',
    },
  ])
  expect(await show()).toEqual(body.items[0])
  await api.get('/v1/nodes/gw9').expect(404)
})

test.each([
  [
    'admits nobody',
    { status: { state: 'degraded', reason: 'trust-stale', tunnels: 0 } as const },
    'trust-stale',
  ],
  ['has an older trust set', { trustVersion: 0 }, 'trust version 0, need 1'],
  ['has another time', { time: NOW_MS - 5_001 }, 'off by -5001 ms'],
])('a node that %s is degraded', async (_, change, issue) => {
  await beat(change)
  expect(await show()).toMatchObject({
    state: 'degraded',
    issues: [expect.stringContaining(issue)],
  })
  await beat()
  expect(await show()).toMatchObject({ state: 'ready', issues: [] })
})

test('a node that has hung up is degraded, lost after 35 s, and back with its next heartbeat', async () => {
  await api.broker.control.left(GW1)
  expect(await show()).toMatchObject({
    state: 'degraded',
    issues: ['its control channel is closed'],
  })
  api.clock.advance(35_001)
  expect(await show()).toMatchObject({ state: 'lost', issues: ['no heartbeat for 35 s'] })
  await beat()
  expect(await show()).toMatchObject({ state: 'ready', issues: [] })
})

test('a node that has stopped drains no longer: it is gone', async () => {
  await beat({ status: { state: 'draining', tunnels: 0 } })
  expect(await show()).toMatchObject({ state: 'draining' })
  await api.broker.control.left(GW1)
  expect(await show()).toMatchObject({ state: 'degraded' })
})

test('a control certificate is named in its last week, and the node is ready all the same', async () => {
  await join(GW1, NOW_MS + 7 * DAY_MS - 1)
  expect(await show()).toMatchObject({
    state: 'ready',
    issues: ['its control certificate ends at 2030-01-08T11:59:59.999Z'],
  })
})

test('agents are no nodes', async () => {
  await join({ name: 'hv1', role: 'agent' })
  expect((await api.get('/v1/nodes').expect(200)).body.items).toHaveLength(1)
})

test('a node without drain in its vocabulary is listed as far as it tells', async () => {
  const old: Peer = { name: 'gw0', role: 'node' }
  const time = api.clock.now()
  await api.broker.control.heartbeat(old, {
    ...{ time, trustVersion: 1, revocationVersion: 0, tunnels: ['t1'] },
  })
  expect(await show('gw0')).toMatchObject({ state: 'ready', issues: [] })
})

test('a drain is told to its node at once, and shown until the node is empty', async () => {
  const message = 'New cables.'
  const { body } = await api
    .post('/v1/nodes/gw1/drain', { deadlineSeconds: 90, message })
    .expect(200)
  expect(body).toMatchObject({
    state: 'draining',
    issues: ['it has not confirmed the drain'],
    drain: {
      ...{ askedAt: '2030-01-01T12:00:00.000Z', deadline: '2030-01-01T12:01:30.000Z' },
      ...{ message, askedBy: 'key:test', confirmed: false, done: false },
    },
  })
  expect(pushed).toEqual([{ type: 'refresh', node: 'gw1' }])
  expect(await api.broker.control.drain(GW1)).toEqual({ deadline: NOW_MS + 90_000, message })
  await beat({ status: { state: 'draining', tunnels: 2 } })
  expect(await show()).toMatchObject({ issues: [], drain: { confirmed: true, done: false } })
  await beat({ status: { state: 'draining', tunnels: 0 } })
  expect(await show()).toMatchObject({ state: 'draining', drain: { confirmed: true, done: true } })
  expect(api.events('node.state').at(-1)).toMatchObject({ state: 'draining', askedBy: 'key:test' })
})

test('by default open sessions may go on for ten minutes', async () => {
  const { body } = await api.post('/v1/nodes/gw1/drain', {}).expect(200)
  expect(body.drain.deadline).toBe('2030-01-01T12:10:00.000Z')
  expect(body.drain).not.toHaveProperty('message')
})

test('a drain outlives a restart of the broker, and the node being forgotten', async () => {
  await api.post('/v1/nodes/gw1/drain', {}).expect(200)
  await api.restart()
  expect(await api.broker.control.drain(GW1)).toMatchObject({ deadline: NOW_MS + 600_000 })
  await api.delete('/v1/issuers/verifiers/gw1').expect(204)
  await api.get('/v1/nodes/gw1').expect(404)
  await join()
  expect(await show()).toMatchObject({ state: 'draining' })
})

test('a cancelled drain puts the node back; again is no error', async () => {
  await api.post('/v1/nodes/gw1/drain', {}).expect(200)
  pushed.length = 0
  await api.delete('/v1/nodes/gw1/drain').expect(204)
  expect(pushed).toEqual([{ type: 'refresh', node: 'gw1' }])
  expect(await api.broker.control.drain(GW1)).toBeUndefined()
  await api.delete('/v1/nodes/gw1/drain').expect(204)
  expect(await show()).not.toHaveProperty('drain')
})

test('what a node said before it was asked is no answer', async () => {
  await api.post('/v1/nodes/gw1/drain', {}).expect(200)
  await beat({ status: { state: 'draining', tunnels: 0 } })
  await api.delete('/v1/nodes/gw1/drain').expect(204)
  const { body } = await api.post('/v1/nodes/gw1/drain', {}).expect(200)
  expect(body.drain).toMatchObject({ confirmed: false, done: false })
})

test('a node that has just started redeems nothing before it has heard of its drain', async () => {
  await api.post('/v1/nodes/gw1/drain', {}).expect(200)
  const { body } = await api.post('/v1/consoles', { vm: 'web' }).expect(201)
  const token = new Secret(body.gatewayToken)
  const redeem = { token, tunnel: 't1', clientAddress: '192.0.2.7' }
  const { control } = api.broker
  expect(await control.redeem(GW1, redeem)).toEqual({ ok: false, reason: 'node-draining' })
  expect(await control.redeem({ ...GW1, name: 'gw2' }, redeem)).toMatchObject({ ok: true })
  // What it has admitted before counts all the same.
  const decidedAt = api.clock.now()
  expect(await control.redeem(GW1, { ...redeem, tunnel: 't2', decidedAt })).toMatchObject({
    ok: true,
  })
})

test.each([
  ['deadlineSeconds', { deadlineSeconds: -1 }],
  ['deadlineSeconds', { deadlineSeconds: 604_801 }],
  ['message', { message: '' }],
  ['message', { message: 'a\u001bc' }],
  ['message', { message: 'x'.repeat(501) }],
  ['hurry', { hurry: true }],
])('a wrong %s is named', async (field, body) => {
  const answer = await api.post('/v1/nodes/gw1/drain', body).expect(400)
  expect(answer.body.errors).toMatchObject([{ field }])
  await api.post('/v1/nodes/gw9/drain', {}).expect(404)
  await api.delete('/v1/nodes/gw9/drain').expect(404)
})
