import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Peer, Push } from '../../../src/control/index.ts'
import { Secret } from '../../../src/lib/index.ts'
import { createTestBroker, NOW_MS, type TestBroker } from '../support.ts'

const GW1: Peer = { name: 'gw1', role: 'node' }
const GW2: Peer = { name: 'gw2', role: 'node' }
const TEXT = 'Maintenance at ten.\nSave your work.'

let api: TestBroker
let pushed: Push[]

beforeEach(async () => {
  api = await createTestBroker()
  pushed = []
  api.broker.control.subscribe((message) => pushed.push(message))
})
afterEach(() => api.close())

/** A session that its node has redeemed and said nothing else of. */
async function open(vm: string, tunnel: string, node = GW1): Promise<string> {
  const { body } = await api.post('/v1/consoles', { vm }).expect(201)
  const token = new Secret(body.gatewayToken)
  await api.broker.control.redeem(node, { token, tunnel, clientAddress: '192.0.2.7' })
  return (await api.store.leases.find(node.name, tunnel))?.id ?? ''
}

function beat(peer: Peer, ...usage: object[]): Promise<void> {
  const used = { transport: 'http' as const, idleSeconds: 5, bytesIn: 10, bytesOut: 2 ** 33 }
  const told = { ...used, takesMessages: true }
  const rows = usage.map((change) => ({ tunnel: 't1', ...told, ...change }))
  return api.broker.control.heartbeat(peer, {
    time: api.clock.now(),
    trustVersion: 1,
    revocationVersion: 0,
    tunnels: rows.map(({ tunnel }) => tunnel),
    usage: rows,
  })
}

const created = (takesMessages: boolean) =>
  api.broker.control.event(GW1, {
    event: 'tunnel.created',
    time: NOW_MS,
    fields: { tunnel: 't1', jti: 'j', transport: 'websocket', takesMessages },
  })

describe('a session', () => {
  test('says who is where, since when, and what was used', async () => {
    const id = await open('web', 't1')
    api.clock.advance(10_000)
    await beat(GW1, {})
    const { body } = await api.get(`/v1/sessions/${id}`).expect(200)
    expect(body).toEqual({
      id,
      jti: expect.any(String),
      ref: expect.stringMatching(/^\w{4}-\w{4}$/),
      tenant: 'acme',
      user: 'key:test',
      vm: 'web',
      host: '192.0.2.10:3389',
      node: 'gw1',
      tunnel: 't1',
      transport: 'http',
      clientAddress: '192.0.2.7',
      openedAt: '2030-01-01T12:00:00.000Z',
      seenAt: '2030-01-01T12:00:10.000Z',
      idleSeconds: 5,
      bytesIn: 10,
      bytesOut: 2 ** 33,
      takesMessages: true,
    })
  })

  test('of a node that tells no usage is renewed all the same', async () => {
    const id = await open('web', 't1')
    api.clock.advance(10_000)
    const versions = { trustVersion: 1, revocationVersion: 0 }
    const older = { time: NOW_MS, ...versions, tunnels: ['t1'] }
    await api.broker.control.heartbeat(GW1, older)
    const { body } = await api.get(`/v1/sessions/${id}`).expect(200)
    expect(body).toMatchObject({ seenAt: '2030-01-01T12:00:10.000Z' })
    expect(body).not.toHaveProperty('transport')
  })

  test('says what its client can do as soon as the tunnel is there', async () => {
    const id = await open('web', 't1')
    await created(true)
    const { body } = await api.get(`/v1/sessions/${id}`).expect(200)
    expect(body).toMatchObject({ transport: 'websocket', takesMessages: true })
  })
})

describe('the list', () => {
  const listed = async (query: string): Promise<string[]> => {
    const { body } = await api.get(`/v1/sessions${query}`).expect(200)
    return body.items.map(({ tunnel }: { tunnel: string }) => tunnel)
  }

  test.each([
    ['', ['t1', 't2', 't3']],
    ['?vm=web', ['t1', 't2']],
    ['?tenant=globex', ['t3']],
    ['?user=key%3Atest', ['t1', 't2', 't3']],
    ['?user=ann', []],
    ['?node=gw2', ['t2', 't3']],
    ['?vm=web&node=gw2', ['t2']],
  ])('filtered by %s', async (query, tunnels) => {
    await open('web', 't1')
    api.clock.advance(1)
    await open('web', 't2', GW2)
    api.clock.advance(1)
    await open('mail', 't3', GW2)
    expect(await listed(query)).toEqual(tunnels)
  })

  test('of one console by its reference, in any spelling', async () => {
    const id = await open('web', 't1')
    await open('web', 't2')
    const { body } = await api.get(`/v1/sessions/${id}`).expect(200)
    expect(await listed(`?ref=${body.ref}`)).toEqual(['t1'])
    expect(await listed(`?ref=${body.ref.toLowerCase().replace('-', '')}`)).toEqual(['t1'])
    expect(await listed('?ref=no-reference')).toEqual([])
  })

  test('takes no filter that it does not know', async () => {
    const { body } = await api.get('/v1/sessions?machine=web').expect(400)
    expect(body.errors).toEqual([{ field: 'machine', message: 'is not a known field' }])
  })
})

describe('a message', () => {
  test('goes to the one tunnel, and the log says who sent it', async () => {
    const id = await open('web', 't1')
    await beat(GW1, {})
    await api.post(`/v1/sessions/${id}/message`, { text: TEXT }).expect(204)
    const message = { type: 'message', by: { tunnel: 't1' }, text: TEXT }
    expect(pushed).toEqual([{ type: 'addressed', to: GW1, message }])
    expect(api.events('session.messaged')).toMatchObject([
      { session: id, node: 'gw1', vm: 'web', text: TEXT, askedBy: 'key:test' },
    ])
  })

  test('to a client that has not announced it is 409', async () => {
    const id = await open('web', 't1')
    const send = () => api.post(`/v1/sessions/${id}/message`, { text: TEXT })
    expect((await send().expect(409)).body).toMatchObject({ code: 'conflict' })
    await created(false)
    expect((await send().expect(409)).body.detail).toContain('takes no messages')
    expect(pushed).toEqual([])
  })

  test('to a session that has ended is 409, to an unknown one 404', async () => {
    const id = await open('web', 't1')
    await created(true)
    await api.broker.control.release(GW1, 't1', 'client-closed')
    await api.post(`/v1/sessions/${id}/message`, { text: TEXT }).expect(409)
    await api.post('/v1/sessions/nobody/message', { text: TEXT }).expect(404)
    expect(pushed).toEqual([])
  })

  test.each([
    ['text', {}],
    ['text', { text: '' }],
    ['text', { text: 'x'.repeat(1025) }],
    ['text', { text: 'bell \u0007' }],
    ['colour', { text: TEXT, colour: 'red' }],
  ])('with a wrong %s names it', async (field, body) => {
    const id = await open('web', 't1')
    const answer = await api.post(`/v1/sessions/${id}/message`, body).expect(400)
    expect(answer.body.errors).toMatchObject([{ field }])
  })
})

test('a revocation says how many sessions it is about, and whether there is what it names', async () => {
  await open('web', 't1')
  const revoke = async (kind: string, value: string) => {
    const { body } = await api.post('/v1/revocations', { kind, value }).expect(201)
    return [body.known, body.openSessions]
  }
  expect(await revoke('tenant', 'acme')).toEqual([true, 1])
  expect(await revoke('vm', 'other')).toEqual([false, 0])
  expect(await revoke('before', new Date(NOW_MS).toISOString())).toEqual([undefined, undefined])
})

describe('a kill', () => {
  const kill = (id: string) => api.delete(`/v1/sessions/${id}`).expect(204)
  const killed = () => api.events('session.killed')

  test('that is asked for again is told once, also when the session has ended', async () => {
    const id = await open('web', 't1')
    await kill(id)
    await kill(id)
    await api.broker.control.release(GW1, 't1', 'killed')
    await kill(id)
    expect(killed()).toMatchObject([
      { session: id, node: 'gw1', tunnel: 't1', reason: 'killed', askedBy: 'key:test' },
    ])
  })

  test('of a session that somebody could come back to is told', async () => {
    const id = await open('web', 't1')
    await api.broker.control.release(GW1, 't1', 'client-closed')
    await kill(id)
    expect(killed()).toMatchObject([{ session: id, askedBy: 'key:test' }])
  })

  test('of one that a limit has ended for good is not', async () => {
    const id = await open('web', 't1')
    await api.broker.control.release(GW1, 't1', 'idle-limit')
    await kill(id)
    expect(killed()).toEqual([])
  })

  test('tells of each tunnel that it ends', async () => {
    const { body } = await api.post('/v1/consoles', { vm: 'web' }).expect(201)
    const token = new Secret(body.gatewayToken)
    for (const tunnel of ['t1', 't2']) {
      await api.broker.control.redeem(GW1, { token, tunnel, clientAddress: '192.0.2.7' })
    }
    await kill((await api.store.leases.find('gw1', 't1'))?.id ?? '')
    expect(new Set(killed().map(({ tunnel }) => tunnel))).toEqual(new Set(['t1', 't2']))
  })
})
