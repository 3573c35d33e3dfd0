import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Peer, Push, RedeemAnswer, SessionEvent } from '../../src/control/index.ts'
import { Secret } from '../../src/lib/index.ts'
import { createTestBroker, giveGuids, NOW_MS, type TestBroker, WEB_GUID } from './support.ts'

const GW1: Peer = { name: 'gw1', role: 'node' }
const GW2: Peer = { name: 'gw2', role: 'node' }

let api: TestBroker
let pushed: Push[]

beforeEach(async () => {
  api = await createTestBroker()
  pushed = []
  api.broker.control.subscribe((message) => pushed.push(message))
})
afterEach(() => api.close())

interface Present {
  peer?: Peer
  tunnel?: string
  clientAddress?: string
  decidedAt?: number
}

async function open(vm = 'web') {
  const { body } = await api.post('/v1/consoles', { vm }).expect(201)
  const token = new Secret(body.gatewayToken)
  const present = ({
    peer = GW1,
    tunnel = 't1',
    clientAddress = '192.0.2.7',
    ...rest
  }: Present = {}) => api.broker.control.redeem(peer, { token, tunnel, clientAddress, ...rest })
  return { id: String(body.id), present }
}

const outcome = (answer: RedeemAnswer) => (answer.ok ? 'admitted' : answer.reason)
/** With whom each of them goes to. */
const kills = () =>
  pushed.flatMap((push) => {
    if (push.type !== 'addressed' || push.message.type !== 'kill') return []
    const { by, reason } = push.message
    return [{ to: push.to, by, reason }]
  })

describe('a redeem', () => {
  test('admits the first client on every node, and nobody else', async () => {
    const { present } = await open()
    expect(outcome(await present())).toBe('admitted')
    expect(outcome(await present({ peer: GW2 }))).toBe('admitted')
    const stranger = { peer: GW2, tunnel: 't2', clientAddress: '192.0.2.8' }
    expect(outcome(await present(stranger))).toBe('client-mismatch')
    expect(outcome(await present({ tunnel: 't3' }))).toBe('token-replayed')
    expect(api.events('token.redeemed')).toMatchObject([
      { node: 'gw1', tenant: 'acme', vm: 'web', presentation: 'first' },
      { node: 'gw2', presentation: 'again' },
    ])
  })

  test('of 64 at once from eight addresses and two nodes one client wins', async () => {
    const { present } = await open()
    const presentations = Array.from({ length: 64 }, (_, index) => ({
      peer: index % 2 === 0 ? GW1 : GW2,
      tunnel: `t${index}`,
      clientAddress: `192.0.2.${index % 8}`,
    }))
    const answers = await Promise.all(presentations.map(present))
    const winners = presentations.filter((_, index) => answers[index]?.ok)
    expect(new Set(winners.map(({ clientAddress }) => clientAddress)).size).toBe(1)
    expect(winners).toHaveLength(2)
  })

  test('asked again for the same tunnel is the same one', async () => {
    const { present } = await open()
    for (let tries = 0; tries < 20; tries += 1) expect(outcome(await present())).toBe('admitted')
    expect(await api.store.leases.list()).toHaveLength(1)
  })

  test('verifies the whole token, whatever the node says', async () => {
    const request = { tunnel: 't1', clientAddress: '192.0.2.7' }
    const redeem = (text: string) =>
      api.broker.control.redeem(GW1, { ...request, token: new Secret(text) })
    expect(outcome(await redeem('nonsense'))).toBe('token-malformed')
    const { body } = await api.post('/v1/consoles', { vm: 'web' })
    const [header = '', payload = ''] = String(body.gatewayToken).split('.')
    const forged = `${header}.${payload}.${Buffer.alloc(64, 1).toString('base64url')}`
    expect(outcome(await redeem(forged))).toBe('signature-invalid')
    expect(JSON.stringify(api.events())).not.toContain(payload)
  })

  test('makes room when the tunnel is released, and burns with a kill', async () => {
    const { present } = await open()
    await present()
    await present({ tunnel: 't2' })
    await api.broker.control.release(GW2, 't1', undefined)
    expect(outcome(await present({ tunnel: 't3' }))).toBe('token-replayed')
    await api.broker.control.release(GW1, 't1', 'client-closed')
    expect(outcome(await present({ tunnel: 't3' }))).toBe('admitted')
    await api.broker.control.release(GW1, 't3', 'session-limit')
    expect(outcome(await present({ tunnel: 't4' }))).toBe('session-limit')
  })

  test('that was too late for its node leaves no session, and its token good', async () => {
    const { present } = await open()
    expect(outcome(await present())).toBe('admitted')
    await api.broker.control.release(GW1, 't1', 'broker-unreachable')
    expect(await api.store.leases.list()).toEqual([])
    expect(outcome(await present({ tunnel: 't2' }))).toBe('admitted')
  })

  test('that a node decided alone is judged as of then; the older session stays', async () => {
    const { present } = await open()
    api.clock.advance(10_000)
    await present({ peer: GW2 })
    api.clock.advance(300_000)
    const early = { decidedAt: NOW_MS + 1_000, clientAddress: '192.0.2.8' }
    expect(outcome(await present(early))).toBe('admitted')
    expect(kills()).toEqual([{ to: GW2, by: { tunnel: 't1' }, reason: 'token-replayed' }])
    const late = { tunnel: 't9', decidedAt: NOW_MS + 2_000, clientAddress: '192.0.2.9' }
    expect(outcome(await present(late))).toBe('client-mismatch')
    expect(api.events('redeem.conflict').map(({ lost }) => lost)).toEqual(['gw2', 'gw1'])
    const future = { decidedAt: NOW_MS + 999_999_999, tunnel: 't10' }
    expect(outcome(await present(future))).toBe('token-expired')
  })

  describe('with a reconnect window', () => {
    const mint = async (vm = 'web') => {
      const iat = NOW_MS / 1000
      const claims = { iss: 'b', aud: 'demo', jti: randomUUID(), iat, nbf: iat, exp: iat + 60 }
      const whose = { tid: 'acme', sub: 'ann', vm, knd: 'rdp', dst: '192.0.2.10:3389' } as const
      const token = await api.issuer.sign({ ...claims, ...whose, rcw: 100 })
      return (tunnel: string, clientAddress = '192.0.2.7') =>
        api.broker.control.redeem(GW1, { token, tunnel, clientAddress })
    }

    test('lets the same client back long past exp, once its session has dropped', async () => {
      const present = await mint()
      expect(outcome(await present('t1'))).toBe('admitted')
      api.clock.advance(3_600_000)
      await api.broker.control.release(GW1, 't1', 'client-closed')
      api.clock.advance(99_000)
      expect(outcome(await present('t2', '192.0.2.8'))).toBe('client-mismatch')
      expect(outcome(await present('t2'))).toBe('admitted')
      expect(api.events('session.reconnected')).toMatchObject([{ node: 'gw1', tunnel: 't2' }])
      await api.broker.control.release(GW1, 't2', undefined)
      api.clock.advance(101_000)
      expect(outcome(await present('t3'))).toBe('token-expired')
    })

    test('is over with a newer console of the same machine', async () => {
      const present = await mint()
      await present('t1')
      await api.broker.control.release(GW1, 't1', 'client-closed')
      await (await mint('mail'))('m1')
      api.clock.advance(70_000)
      expect(outcome(await present('t2'))).toBe('admitted')
      await api.broker.control.release(GW1, 't2', 'client-closed')
      api.clock.advance(60_000)
      const { present: newer } = await open()
      await newer({ tunnel: 'n1' })
      expect(outcome(await present('t3'))).toBe('superseded')
    })

    test('was never redeemed: expired is expired', async () => {
      const present = await mint()
      api.clock.advance(66_000)
      expect(outcome(await present('t1'))).toBe('token-expired')
    })
  })

  test('of a gateway token is nothing for an agent', async () => {
    const { present } = await open()
    expect(outcome(await present({ peer: { name: 'hv1', role: 'agent' } }))).toBe('token-malformed')
  })
})

describe('a host token', () => {
  const AGENT: Peer = { name: 'hv1', role: 'agent' }

  async function openAtHost() {
    const host = { kind: 'agent', address: '192.0.2.10', console: { allow: true } }
    await giveGuids(api)
    await api.put('/v1/hosts/hv1', host).expect(200)
    const { body } = await api.post('/v1/consoles', { vm: 'web' }).expect(201)
    const present = (text: string) => {
      return (peer: Peer, change: Omit<Present, 'peer'> = {}) =>
        api.broker.control.redeem(peer, {
          ...{ token: new Secret(text), tunnel: 't1', clientAddress: '192.0.2.7' },
          ...change,
        })
    }
    const [presentAtNode, presentAtHost] = [present(body.gatewayToken), present(body.hostToken)]
    return { id: String(body.id), ref: String(body.ref), presentAtNode, presentAtHost }
  }

  const place = (change: object) =>
    api
      .put('/v1/vms/web', { name: 'Web 1', tenant: 'acme', host: 'hv1', guid: WEB_GUID, ...change })
      .expect(200)

  test('is redeemed beside its gateway token, which alone is the session', async () => {
    const { ref, presentAtNode, presentAtHost } = await openAtHost()
    expect(outcome(await presentAtNode(GW1))).toBe('admitted')
    expect(await presentAtHost(AGENT)).toEqual({ ok: true, ref })
    expect((await api.get('/v1/sessions')).body.items).toMatchObject([{ node: 'gw1' }])
  })

  test('follows the same rule: one client, so many at a time, until its time is over', async () => {
    const { presentAtHost } = await openAtHost()
    expect(outcome(await presentAtHost(AGENT))).toBe('admitted')
    expect(outcome(await presentAtHost(AGENT, { clientAddress: '192.0.2.8' }))).toBe(
      'client-mismatch',
    )
    expect(outcome(await presentAtHost(AGENT, { tunnel: 't2' }))).toBe('admitted')
    expect(outcome(await presentAtHost(AGENT, { tunnel: 't3' }))).toBe('token-replayed')
    api.clock.advance(130_000)
    expect(outcome(await presentAtHost(AGENT, { tunnel: 't4' }))).toBe('token-expired')
  })

  test('is for the agent of its own host', async () => {
    const { presentAtHost, presentAtNode } = await openAtHost()
    expect(outcome(await presentAtHost({ name: 'hv2', role: 'agent' }))).toBe('audience-mismatch')
    expect(outcome(await presentAtHost({ name: '192.0.2.10', role: 'agent' }))).toBe('admitted')
    expect(outcome(await presentAtHost(GW1))).toBe('token-malformed')
    expect(outcome(await presentAtNode(AGENT))).toBe('token-malformed')
  })

  test('is worthless with its gateway token, and when its tenant is revoked', async () => {
    const killed = await openAtHost()
    await killed.presentAtNode(GW1)
    const [session] = (await api.get('/v1/sessions')).body.items
    await api.delete(`/v1/sessions/${session.id}`).expect(204)
    expect(outcome(await killed.presentAtHost(AGENT))).toBe('killed')

    const { presentAtHost } = await openAtHost()
    await api.post('/v1/revocations', { kind: 'tenant', value: 'acme' }).expect(201)
    expect(outcome(await presentAtHost(AGENT))).toBe('token-revoked')
  })

  test('of a revoked console ends at the agent, which may have missed it', async () => {
    const { id, presentAtHost } = await openAtHost()
    await presentAtHost(AGENT)
    await api.delete(`/v1/consoles/${id}`).expect(204)
    pushed = []
    await api.broker.control.heartbeat(AGENT, {
      ...{ time: NOW_MS, trustVersion: 1, revocationVersion: 0, tunnels: ['t1'] },
    })
    expect(kills()).toMatchObject([{ by: { tunnel: 't1' }, reason: 'token-revoked' }])
  })

  test('that an agent has refused is told by the agent', async () => {
    const fields = { jti: 'j1', vm: 'web', host: 'hv1', reason: 'vm-unknown' } as const
    await api.broker.control.event(AGENT, { event: 'host.refused', time: NOW_MS, fields })
    expect(api.events('host.refused')).toMatchObject([{ ...fields, agent: 'hv1', toldBy: 'agent' }])
  })

  test.each([
    ['deleted', () => api.delete('/v1/vms/web'), 'vm-unknown'],
    ['given to another tenant', () => place({ tenant: 'globex' }), 'vm-unknown'],
    ['moved to another host', () => place({ host: 'hv2' }), 'target-mismatch'],
    ['made anew', () => place({ guid: WEB_GUID.replace('3f', '4f') }), 'target-mismatch'],
  ])('of a machine that was %s since is refused', async (_, change, reason) => {
    const { presentAtHost } = await openAtHost()
    const host = { kind: 'agent', address: '192.0.2.11', console: { allow: true } }
    await api.put('/v1/hosts/hv2', host).expect(201)
    await change()
    expect(outcome(await presentAtHost(AGENT))).toBe(reason)
  })

  test('of a host that was switched off since is refused', async () => {
    const { presentAtHost } = await openAtHost()
    await api.put('/v1/hosts/hv1', {
      ...{ kind: 'agent', address: '192.0.2.10', console: { allow: false } },
    })
    expect(outcome(await presentAtHost(AGENT))).toBe('host-not-opted-in')
  })
})

describe('revocations', () => {
  const revoke = (body: object) => api.post('/v1/revocations', body)

  test.each([
    ['vm', 'web', 'mail'],
    ['tenant', 'acme', 'globex'],
    ['user', 'key:test', 'ann'],
  ])('by %s hit its tokens of until now', async (kind, value, other) => {
    const before = await open()
    await revoke({ kind, value: other }).expect(201)
    expect(outcome(await before.present())).toBe('admitted')
    await revoke({ kind, value, reason: 'lost laptop' }).expect(201)
    expect(outcome(await before.present({ tunnel: 't2' }))).toBe('token-revoked')
    api.clock.advance(1_000)
    expect(outcome(await (await open()).present({ tunnel: 't3' }))).toBe('admitted')
  })

  test('are pushed as they happen, in order', async () => {
    await revoke({ kind: 'vm', value: 'web', endSessions: true }).expect(201)
    await revoke({ kind: 'before', value: '2030-01-01T11:59:00Z' }).expect(201)
    expect(pushed).toMatchObject([
      { type: 'revocations', version: 1, after: 0, items: [{ kind: 'vm', endSessions: true }] },
      {
        type: 'revocations',
        version: 2,
        after: 1,
        items: [{ kind: 'before', value: '', at: NOW_MS - 60_000 }],
      },
    ])
    const whole = await api.broker.control.revocations()
    expect(whole).toMatchObject({ version: 2, items: [{ kind: 'vm' }, { kind: 'before' }] })
    const { body } = await api.get('/v1/revocations').expect(200)
    expect(body.items).toMatchObject([
      { kind: 'before', before: '2030-01-01T11:59:00.000Z' },
      { kind: 'vm', value: 'web', endSessions: true, askedBy: 'key:test' },
    ])
  })

  test('of an issuer take its thumbprint in any spelling', async () => {
    const { sha256Thumbprint } = api.issuer.certificate
    const spelled = sha256Thumbprint.toLowerCase().replaceAll(/(..)(?!$)/g, '$1:')
    const { present } = await open()
    const { body } = await revoke({ kind: 'issuer', value: spelled }).expect(201)
    expect(body.value).toBe(sha256Thumbprint)
    expect(outcome(await present())).toBe('token-revoked')
  })

  test.each([
    ['kind', { kind: 'colour', value: 'red' }],
    ['value', { kind: 'vm' }],
    ['value', { kind: 'issuer', value: 'A'.repeat(40) }],
    ['value', { kind: 'before', value: 'soon' }],
    ['value', { kind: 'before', value: '2030-01-01T13:00:00Z' }],
    ['value', { kind: 'before', value: '1969-12-31T23:59:59Z' }],
  ])('name the wrong field: %s', async (field, body) => {
    const answer = await revoke(body).expect(400)
    expect(answer.body.errors).toMatchObject([{ field }])
  })

  test('a time that cannot be read is told by an example', async () => {
    const { body } = await revoke({ kind: 'before', value: 'yesterday' }).expect(400)
    expect(body.detail).toBe('value: need a time such as 2030-01-01T12:00:00Z.')
  })

  test('a deleted console opens nothing, here and on the nodes', async () => {
    const { id, present } = await open()
    await present()
    await api.delete(`/v1/consoles/${id}`).expect(204)
    expect(outcome(await present({ tunnel: 't2' }))).toBe('token-revoked')
    expect(pushed).toMatchObject([
      { type: 'revocations', items: [{ kind: 'jti', endSessions: true }] },
    ])
  })
})

describe('sessions', () => {
  test('are listed while they are open, and remembered with their end', async () => {
    const { present } = await open()
    await present()
    const { body } = await api.get('/v1/sessions').expect(200)
    expect(body.items).toMatchObject([
      { tenant: 'acme', vm: 'web', user: 'key:test', node: 'gw1', clientAddress: '192.0.2.7' },
    ])
    api.clock.advance(5_000)
    await api.broker.control.event(GW1, {
      event: 'session.closed',
      time: NOW_MS + 999_999,
      fields: { tunnel: 't1', reason: 'client-closed', bytesIn: 10, bytesOut: 20 },
    })
    expect((await api.get('/v1/sessions').expect(200)).body.items).toEqual([])
    const [{ id }] = body.items
    const ended = await api.get(`/v1/sessions/${id}`).expect(200)
    expect(ended.body).toMatchObject({
      endedAt: '2030-01-01T12:00:05.000Z',
      reason: 'client-closed',
      bytesOut: 20,
    })
  })

  test('that are killed end everywhere, and their token with them', async () => {
    const { present } = await open()
    await present()
    api.clock.advance(1)
    await present({ peer: GW2, tunnel: 't2' })
    const { body } = await api.get('/v1/sessions')
    const path = `/v1/sessions/${body.items[0].id}`
    await api.delete(path).expect(204)
    expect(kills()).toEqual([
      { to: GW1, by: { tunnel: 't1' }, reason: 'killed' },
      { to: GW2, by: { tunnel: 't2' }, reason: 'killed' },
    ])
    expect(outcome(await present({ tunnel: 't3' }))).toBe('killed')
    await api.delete(path).expect(204)
    await api.delete('/v1/sessions/unknown').expect(404)
  })

  test('of one node are no business of another that has named its own tunnel like them', async () => {
    const [victim, own] = [await open(), await open('mail')]
    await victim.present({ peer: GW1, tunnel: 't1' })
    await own.present({ peer: GW2, tunnel: 't1' })
    await own.present({ peer: GW2, tunnel: 't2' })
    await api.broker.control.release(GW2, 't2', 'killed')
    pushed.length = 0
    const beat = { time: NOW_MS, trustVersion: 0, revocationVersion: 0 }
    await api.broker.control.heartbeat(GW2, { ...beat, tunnels: [] })
    expect(pushed).toMatchObject([
      { type: 'addressed', to: GW2, message: { type: 'trust' } },
      { type: 'addressed', to: GW2, message: { type: 'kill', by: { tunnel: 't1' } } },
    ])
  })

  test('that a node held through a kill are killed when it is back', async () => {
    const { present } = await open()
    await present()
    const { body } = await api.get('/v1/sessions')
    await api.delete(`/v1/sessions/${body.items[0].id}`)
    pushed.length = 0
    const beat = { time: NOW_MS, trustVersion: 1, revocationVersion: 0 }
    await api.broker.control.heartbeat(GW1, { ...beat, tunnels: ['t1'] })
    expect(kills()).toEqual([{ to: GW1, by: { tunnel: 't1' }, reason: 'killed' }])
    await api.broker.control.release(GW1, 't1', 'killed')
    pushed.length = 0
    await api.broker.control.heartbeat(GW1, { ...beat, tunnels: [] })
    expect(kills()).toEqual([])
  })
})

describe('of what peers say about tokens that nobody knows', () => {
  const LOGGED = 1_000
  const levels = (event: string, level: string) =>
    api.events(event).filter((line) => line.level === level).length

  test('the log has a bounded number of refused redeems of each', async () => {
    const request = { tunnel: 't1', clientAddress: '192.0.2.7', token: new Secret('nonsense') }
    for (let tries = 0; tries < LOGGED + 100; tries += 1) {
      expect(outcome(await api.broker.control.redeem(GW2, request))).toBe('token-malformed')
    }
    expect(levels('token.refused', 'warn')).toBe(LOGGED)
    expect(levels('token.refused', 'debug')).toBe(100)
    const { present } = await open()
    await present()
    await present({ clientAddress: '192.0.2.8', tunnel: 't2' })
    expect(levels('token.refused', 'warn')).toBe(LOGGED + 1)
    await api.broker.control.redeem(GW1, request)
    await api.broker.control.redeem({ name: 'gw2', role: 'agent' }, request)
    expect(levels('token.refused', 'warn')).toBe(LOGGED + 3)
  })

  test('the log has a bounded number of events, and all of those that are known', async () => {
    const tell = (peer: Peer, fields: SessionEvent['fields']) =>
      api.broker.control.event(peer, { event: 'channel.refused', time: NOW_MS, fields })
    for (let told = 0; told < LOGGED; told += 1) await tell(GW2, { jti: `made-up-${told}` })
    for (let told = 0; told < 100; told += 1) await tell(GW2, { ref: '0000-0000' })
    expect(levels('channel.refused', 'info')).toBe(LOGGED)
    expect(levels('channel.refused', 'debug')).toBe(100)
    const { present } = await open()
    await present()
    const [{ jti } = {}] = api.events('token.redeemed')
    await tell(GW1, { jti: String(jti) })
    expect(levels('channel.refused', 'info')).toBe(LOGGED + 1)
    api.clock.advance(1_000)
    for (let told = 0; told < 100; told += 1) await tell(GW2, { jti: `later-${told}` })
    expect(levels('channel.refused', 'info')).toBe(LOGGED + 51)
  })
})

test('what a peer has applied is kept under the name in its certificate', async () => {
  const { control } = api.broker
  expect(await control.versions()).toEqual({ trust: 1, revocations: 0 })
  await control.applied(GW1, 'trust', 1)
  await control.heartbeat(GW2, {
    time: NOW_MS,
    trustVersion: 0,
    revocationVersion: 0,
    tunnels: [],
  })
  const { body } = await api.get('/v1/issuers').expect(200)
  expect(body.verifiers).toMatchObject([
    { name: 'gw1', role: 'node', trustVersion: 1, current: true },
    { name: 'gw2', role: 'node', trustVersion: 0, current: false },
  ])
})
