import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Peer, ProbeResult, Push } from '../../src/control/index.ts'
import { signIn } from './portal-sign-in.ts'
import { createTestBroker, NOW_MS, type TestBroker } from './support.ts'

const GW1: Peer = { name: 'gw1', role: 'node' }
const GW2: Peer = { name: 'gw2', role: 'node' }
const HV1 = { id: 'hv1', kind: 'rdp', address: '192.0.2.10', port: 3389 } as const
const READY: ProbeResult = {
  ...{ host: 'hv1', address: '192.0.2.10', port: 3389, time: NOW_MS, state: 'ready' },
  ...{ dialled: '192.0.2.10', connectMs: 1, answerMs: 12, security: 'tls' },
}
const DOWN: ProbeResult = {
  ...{ host: 'hv1', address: '192.0.2.10', port: 3389, time: NOW_MS, state: 'unreachable' },
  ...{ reason: 'host-unreachable', detail: 'does not answer' },
}
const DAY_MS = 24 * 60 * 60_000
/** A second, which it is otherwise, may be too short for a busy machine. */
const WAIT = { timeout: 15_000 }

let api: TestBroker
let pushed: Push[]

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'setTimeout'] })
  api = await createTestBroker()
  pushed = []
  api.broker.control.subscribe((message) => pushed.push(message))
})
afterEach(async () => {
  vi.useRealTimers()
  await api.close()
})

async function join(peer = GW1, protocol = 3): Promise<void> {
  const about = { address: '192.0.2.1', software: '1.2.3', certificateNotAfterMs: NOW_MS + DAY_MS }
  await api.broker.control.joined(peer, { ...about, protocol })
}

const found = (result: ProbeResult, peer = GW1) => api.broker.control.probed(peer, result)
const asked = () => pushed.filter((message) => message.type === 'probe')
const host = async () => (await api.get('/v1/hosts/hv1').expect(200)).body

/** Time passes for the broker's own timers as well. */
async function pass(ms: number): Promise<void> {
  api.clock.advance(ms)
  await vi.advanceTimersByTimeAsync(ms)
  // The store answers on the next turns of the loop.
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate)
}

describe('rounds', () => {
  test('nobody is asked as long as no node is there that understands', async () => {
    await join(GW1, 2)
    await pass(5_000)
    expect(asked()).toEqual([])
  })

  test('each host that is opted in is asked for about once a minute', async () => {
    await api.put('/v1/hosts/off', { kind: 'rdp', address: 'off', console: { allow: false } })
    await join()
    await pass(5_000)
    expect(asked()).toEqual([{ type: 'probe', hosts: [HV1] }])
    await pass(40_000)
    expect(asked()).toHaveLength(1)
    for (let round = 0; round < 8; round += 1) await pass(5_000)
    expect(asked()).toHaveLength(2)
  })

  test('a host is asked for by the name that tokens have, and what is found is kept of that', async () => {
    const identified = { identify: 'fqdn', names: { fqdn: 'hv1.example.net' } }
    const body = { kind: 'rdp', address: '192.0.2.10', console: { allow: true }, ...identified }
    await api.put('/v1/hosts/hv1', body).expect(200)
    await join()
    await pass(5_000)
    expect(asked()).toEqual([{ type: 'probe', hosts: [{ ...HV1, address: 'hv1.example.net' }] }])
    await found(READY)
    expect(await host()).toMatchObject({ state: 'unknown' })
    await found({ ...READY, address: 'hv1.example.net' })
    expect(await host()).toMatchObject({ state: 'ready' })
  })

  test('a new host, a changed one and a node that joins are not kept waiting', async () => {
    await join()
    await pass(5_000)
    const console = { allow: true }
    await api.put('/v1/hosts/new', { kind: 'hyperv', address: 'new', console })
    await api.put('/v1/hosts/hv1', { kind: 'rdp', address: '192.0.2.11', console })
    await pass(5_000)
    expect(asked()[1]).toMatchObject({ hosts: [{ address: '192.0.2.11' }, { id: 'new' }] })
    await join(GW2)
    await pass(5_000)
    expect(asked()[2]).toMatchObject({ hosts: [{ id: 'hv1' }, { id: 'new' }] })
  })

  test('Hyper-V is asked for one of its machines, and the pin goes along', async () => {
    const guid = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'
    const pin = `${'ab:'.repeat(31)}ab`
    const console = { allow: true }
    await api.put('/v1/hosts/hv2', { kind: 'hyperv', address: 'hv2', pin, console }).expect(201)
    await api.put('/v1/vms/many', { name: 'Many', tenant: 'acme', host: 'hv2', guid }).expect(201)
    await join()
    await pass(5_000)
    expect(asked()[0]).toMatchObject({ hosts: [HV1, { id: 'hv2', guid, pin: 'AB'.repeat(32) }] })
  })

  test('with none wished for nobody is asked', async () => {
    await api.restart({ probeEverySeconds: 0 })
    api.broker.control.subscribe((message) => pushed.push(message))
    await join()
    await pass(120_000)
    expect(asked()).toEqual([])
  })
})

describe('how a host stands', () => {
  test('nobody knows before a node has looked', async () => {
    expect(await host()).toMatchObject({ state: 'unknown', states: [] })
    expect((await host()).hint).toContain('portcullis host probe hv1')
  })

  test('is what each node has found, since when, and in a word what they all come to', async () => {
    await found(READY)
    await pass(60_000)
    await found(READY)
    await found(DOWN, GW2)
    expect(await host()).toMatchObject({
      state: 'ready',
      states: [
        { node: 'gw1', state: 'ready', security: 'tls', answerMs: 12, issues: [] },
        {
          node: 'gw2',
          state: 'unreachable',
          reason: 'host-unreachable',
          detail: 'does not answer',
        },
      ],
    })
    const [gw1] = (await host()).states
    expect(gw1.since).toBe(new Date(NOW_MS).toISOString())
    expect(gw1.probedAt).toBe(new Date(NOW_MS + 60_000).toISOString())
    await found(DOWN)
    expect(await host()).toMatchObject({ state: 'unreachable', reason: 'host-unreachable' })
    const { body } = await api.get('/v1/hosts')
    expect(body.items[0]).toMatchObject({ id: 'hv1', state: 'unreachable' })
  })

  test('an event says when a state has changed, and only then', async () => {
    for (const result of [READY, READY, DOWN, DOWN, READY]) await found(result)
    const fields = { host: 'hv1', node: 'gw1' }
    expect(api.events('host.state')).toMatchObject([
      { ...fields, state: 'ready', was: 'unknown', level: 'info' },
      { ...fields, state: 'unreachable', was: 'ready', reason: 'host-unreachable', level: 'warn' },
      { ...fields, state: 'ready', was: 'unreachable' },
    ])
  })

  test('is no longer known after five minutes, nor once the host has another address', async () => {
    await found(READY)
    await pass(301_000)
    expect(await host()).toMatchObject({ state: 'unknown', states: [] })
    await found(READY)
    expect(await host()).toMatchObject({ state: 'ready' })
    const console = { allow: true }
    await api.put('/v1/hosts/hv1', { kind: 'rdp', address: '192.0.2.11', console })
    expect(await host()).toMatchObject({ state: 'unknown' })
    await found(DOWN)
    expect(await host()).toMatchObject({ state: 'unknown' })
  })

  test('is known for longer when nodes look less often', async () => {
    await api.restart({ probeEverySeconds: 600 })
    await found(READY)
    api.clock.advance(1_700_000)
    expect(await host()).toMatchObject({ state: 'ready' })
    api.clock.advance(200_000)
    expect(await host()).toMatchObject({ state: 'unknown' })
  })

  test('of one that is not opted in is that, whatever nodes find', async () => {
    await found(READY)
    await api.put('/v1/hosts/hv1', { ...HV1, id: undefined, console: { allow: false } })
    expect(await host()).toMatchObject({
      ...{ state: 'not-opted-in', reason: 'host-not-opted-in' },
      states: [{ state: 'ready' }],
    })
    expect((await host()).hint).toContain('portcullis host enable hv1')
  })

  test('outlives the broker, and goes with its host', async () => {
    await found(READY)
    await api.restart()
    expect(await host()).toMatchObject({ state: 'ready' })
    for (const vm of ['web', 'mail']) await api.delete(`/v1/vms/${vm}`).expect(204)
    await api.delete('/v1/hosts/hv1').expect(204)
    await found(READY)
    await api.get('/v1/hosts/hv1').expect(404)
  })

  test('is told by nodes alone', async () => {
    await found(READY, { name: 'agent1', role: 'agent' })
    expect(await host()).toMatchObject({ state: 'unknown' })
  })

  test('the portal shows the reason beside a button that works', async () => {
    const { services } = api.broker
    const { session } = await signIn(services)
    await found(DOWN)
    const seen = async () => (await services.listVms(session))[0]
    expect(await seen()).toMatchObject({ consoleAvailable: true, hostTrouble: 'host-unreachable' })
    await found(READY, GW2)
    expect((await seen())?.hostTrouble).toBeUndefined()
    await found(DOWN, GW2)
    const own = { name: 'Web 1', tenant: 'acme', host: 'hv1', port: 3390 }
    await api.put('/v1/vms/web', own)
    expect((await seen())?.hostTrouble).toBeUndefined()
  })
})

describe('on demand', () => {
  test('all nodes are asked, and the answer waits for them', async () => {
    await join()
    await join(GW2)
    const answering = api.post('/v1/hosts/hv1/probe').then((answer) => answer)
    await vi.waitFor(
      () => expect(asked()).toEqual([{ type: 'probe', hosts: [HV1], urgent: true }]),
      WAIT,
    )
    await found({ ...READY, urgent: true })
    // Of a round that was under way before anybody asked.
    await found(DOWN, GW2)
    await found({ ...READY, urgent: true, answerMs: 7 }, GW2)
    const { status, body } = await answering
    expect(status).toBe(200)
    expect(body).toMatchObject({
      state: 'ready',
      states: [{ node: 'gw1' }, { node: 'gw2', answerMs: 7 }],
    })
  })

  test('a node that leaves is not waited for', async () => {
    await join()
    const answering = api.post('/v1/hosts/hv1/probe').then((answer) => answer)
    await vi.waitFor(() => expect(asked()).toHaveLength(1), WAIT)
    await api.broker.control.left(GW1)
    expect((await answering).body).toMatchObject({ state: 'unknown' })
  })

  test('a node that does not answer is not waited for for ever', async () => {
    await join()
    const answering = api.post('/v1/hosts/hv1/probe').then((answer) => answer)
    await vi.waitFor(() => expect(asked()).toHaveLength(1), WAIT)
    await pass(12_000)
    expect((await answering).status).toBe(200)
  })

  test('a host that is not opted in is looked at as well', async () => {
    await api.put('/v1/hosts/hv1', { ...HV1, id: undefined, console: { allow: false } })
    await join()
    const answering = api.post('/v1/hosts/hv1/probe').then((answer) => answer)
    await vi.waitFor(() => expect(asked()).toHaveLength(1), WAIT)
    await found({ ...READY, urgent: true })
    expect((await answering).body).toMatchObject({
      state: 'not-opted-in',
      states: [{ state: 'ready' }],
    })
  })

  test('without a node, and of an unknown host, it says so', async () => {
    const { body } = await api.post('/v1/hosts/hv1/probe').expect(503)
    expect(body).toMatchObject({ code: 'unavailable' })
    await api.post('/v1/hosts/hv9/probe').expect(404)
  })
})
