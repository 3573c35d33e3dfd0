import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Peer, SessionEvent } from '../../../src/control/index.ts'
import { BrokerError, Secret } from '../../../src/lib/index.ts'
import { signIn } from '../portal-sign-in.ts'
import { createTestBroker, type TestBroker } from '../support.ts'

const GW1: Peer = { name: 'gw1', role: 'node' }
const DAY_MS = 24 * 60 * 60_000
let broker: TestBroker

beforeEach(async () => {
  broker = await createTestBroker()
})
afterEach(() => broker.close())

async function mint() {
  const { body } = await broker.post('/v1/consoles', { vm: 'web', user: 'ann' }).expect(201)
  const grant = await broker.store.grants.get(body.id)
  if (grant === undefined) throw new TypeError('no grant')
  return { ...grant, token: new Secret(body.gatewayToken) }
}

function tell(event: SessionEvent['event'], fields: SessionEvent['fields']): Promise<void> {
  return broker.broker.control.event(GW1, { event, time: broker.clock.now(), fields })
}

async function why(ref: string) {
  return (await broker.get(`/v1/why/${ref}`).expect(200)).body
}

test('a console from its file to its end, by its reference in any spelling', async () => {
  const { ref, jti, token } = await mint()
  expect(await why(ref)).toMatchObject({ ref, state: 'waiting', open: 0 })
  broker.clock.advance(5_000)
  const tunnel = 't1'
  await broker.broker.control.redeem(GW1, { token, clientAddress: '192.0.2.7', tunnel })
  await tell('token.redeemed', { jti, tunnel })
  await tell('tunnel.created', { jti, tunnel, transport: 'websocket', takesMessages: true })
  expect(await why(ref.toLowerCase().replace('-', ''))).toMatchObject({ state: 'open', open: 1 })
  broker.clock.advance(5_000)
  await tell('session.closed', { jti, tunnel, reason: 'idle-limit', bytesIn: 1, bytesOut: 2 })
  const account = await why(ref)
  expect(account).toMatchObject({
    ...{ ref, state: 'ended', reason: 'idle-limit', open: 0 },
    console: { vm: 'web', tenant: 'acme', user: 'ann', host: '192.0.2.10:3389' },
    fix: expect.stringContaining('idleLimitMinutes'),
  })
  expect(
    account.timeline.map(({ event, source }: Record<string, string>) => [event, source]),
  ).toEqual([
    ['console.minted', 'broker'],
    ['console.fetched', 'broker'],
    ['token.redeemed', 'gw1'],
    ['tunnel.created', 'gw1'],
    ['session.closed', 'gw1'],
  ])
  expect(JSON.stringify(account)).not.toContain(token.reveal().slice(0, 40))
})

test('a file that the broker hands out again says so, one from the portal names its user', async () => {
  const ask = () =>
    broker
      .post('/v1/consoles', { vm: 'web' })
      .set({ 'Idempotency-Key': 'order-1', Accept: 'application/x-rdp' })
  const { headers } = await ask().expect(201)
  await ask().expect(201)
  const ref = /([0-9A-Z]{4}-[0-9A-Z]{4})\.rdp/.exec(headers['content-disposition'] ?? '')?.[1]
  const handedOut = expect.stringMatching(/^File handed out to key:test at /)
  expect((await why(ref ?? '')).timeline.map(({ text }: { text: string }) => text)).toEqual([
    expect.stringMatching(/^File made for web on host hv1, for key:test/),
    handedOut,
    handedOut,
  ])
  const { services } = broker.broker
  const { session } = await signIn(services)
  const opened = await services.openConsole(session, { vm: 'web', clientAddress: '192.0.2.7' })
  if (!opened.ok) throw new TypeError(opened.code)
  expect((await why(opened.ref)).timeline).toHaveLength(1)
  opened.sent()
  expect((await why(opened.ref)).timeline.at(-1)).toMatchObject({
    event: 'console.fetched',
    text: 'File handed out to user:ann at 192.0.2.7',
  })
})

test('what a node refuses before it knows the token is told of the grant that it claims to be', async () => {
  const { ref, jti } = await mint()
  broker.clock.advance(90_000)
  const own = '0000-1111'
  await tell('token.refused', { tunnel: 't1', reason: 'token-expired', ref: own, claimedJti: jti })
  for (const asked of [ref, own, jti]) {
    expect(await why(asked)).toMatchObject({ ref, state: 'refused', reason: 'token-expired' })
  }
  expect((await why(ref)).timeline.at(-1)).toMatchObject({ source: 'gw1', verified: false })
})

test('a refusal that names no grant is found by the reference in the log of the node', async () => {
  const ref = '0000-1111'
  await tell('token.refused', {
    tunnel: 't1',
    reason: 'token-malformed',
    error: 'token: empty',
    ref,
  })
  const account = await why(ref)
  expect(account).toMatchObject({ ref, state: 'refused', reason: 'token-malformed' })
  expect(account.console).toBeUndefined()
  expect(account.timeline[0].text).toContain('token: empty')
})

test('a token that was minted elsewhere is found by its jti', async () => {
  await tell('token.redeemed', { jti: 'theirs', tunnel: 't1' })
  await tell('channel.refused', {
    jti: 'theirs',
    tunnel: 't1',
    reason: 'target-not-allowed',
    ref: '0000-2222',
  })
  for (const asked of ['theirs', '0000-2222']) {
    expect(await why(asked)).toMatchObject({ state: 'refused', reason: 'target-not-allowed' })
  }
})

test('what the API refuses is found by the reference of its answer', async () => {
  const { body: unknown } = await broker.post('/v1/consoles', { vm: 'none' }).expect(404)
  expect(await why(unknown.ref)).toMatchObject({
    state: 'refused',
    reason: 'vm-unknown',
    timeline: [{ event: 'console.refused', text: expect.stringContaining('key:test') }],
  })
  const { body: invalid } = await broker.put('/v1/hosts/hv2', { kind: 'vax' }).expect(400)
  expect(await why(invalid.ref)).toMatchObject({ reason: 'validation-failed' })
  const { body: stranger } = await broker.anonymous.get('/v1/hosts').expect(401)
  expect(await why(stranger.ref)).toMatchObject({
    reason: 'unauthorized',
    timeline: [{ verified: false }],
  })
})

test.each<[reason: string, status: number, body: object, prepare?: () => Promise<unknown>]>([
  ['validation-failed', 400, { vm: 'web', ttlSeconds: 'long' }],
  ['vm-unknown', 404, { vm: 'none' }],
  ['vm-unknown', 404, { vm: 'web', tenant: 'globex' }],
  ['policy-denied', 422, { vm: 'web', ttlSeconds: 3_600 }, () => policy({ ttlMaxSeconds: 60 })],
  ['policy-denied', 422, { vm: 'web' }, () => policy({ allowConsole: false })],
  ['policy-denied', 422, { vm: 'web', tokenFormat: 'fedauth' }],
  ['limit-reached', 409, { vm: 'web' }, fillMachine],
  [
    'host-not-opted-in',
    409,
    { vm: 'web' },
    () => broker.put('/v1/hosts/hv1/console', { allow: false }).expect(200),
  ],
  [
    'rate-limited',
    429,
    { vm: 'web', user: 'ann' },
    async () => {
      await broker.restart({ minting: { openPerUser: 1 } })
      await mint()
    },
  ],
  [
    'unavailable',
    503,
    { vm: 'web' },
    async () => {
      broker.store.vms.getPlacement = () => Promise.reject(new BrokerError('ERR_STORE', 'locked'))
    },
  ],
])('%s to who asks for a console (%i) is explained by its reference', async (...row) => {
  const [reason, status, wanted, prepare] = row
  await prepare?.()
  const { body } = await broker.post('/v1/consoles', wanted).expect(status)
  expect(body.code).toBe(reason)
  const account = await why(body.ref)
  expect(account).toMatchObject({ state: 'refused', reason, cause: expect.any(String) })
  expect(account.timeline).toHaveLength(1)
  expect(account.timeline[0]).toMatchObject({ verified: true, reason })
})

const policy = (values: object) =>
  broker.put('/v1/policy/provider', { enforce: values }).expect(201)

async function fillMachine() {
  await policy({ maxSessions: 1 })
  const { token } = await mint()
  await broker.broker.control.redeem(GW1, { token, clientAddress: '192.0.2.7', tunnel: 't1' })
}

test('a console that the portal refuses past a limit is found by the reference on its page', async () => {
  await broker.restart({ minting: { openPerUser: 0 } })
  const { services } = broker.broker
  const { session } = await signIn(services)
  const refused = await services.openConsole(session, { vm: 'web', clientAddress: '192.0.2.7' })
  if (refused.ok) throw new TypeError('opened')
  expect(await why(refused.ref)).toMatchObject({ state: 'refused', reason: 'rate-limited' })
})

test('a sign-in that failed is found, and what was typed is not in it', async () => {
  const input = { user: 'my password', password: new Secret('oops'), remoteAddress: '192.0.2.7' }
  const result = await broker.broker.services.signIn(input)
  if (result.ok) throw new TypeError('signed in')
  const account = await why(result.ref)
  expect(account).toMatchObject({ state: 'refused', reason: 'unauthorized' })
  expect(JSON.stringify(account)).not.toMatch(/my password|oops/)
})

test('who revoked a console is told', async () => {
  const { id, ref } = await mint()
  await broker.delete(`/v1/consoles/${id}`).expect(204)
  const account = await why(ref)
  expect(account).toMatchObject({ state: 'revoked' })
  expect(account.timeline.at(-1).text).toBe('Revoked by key:test')
})

test('after 30 days nothing is known any more', async () => {
  const { ref } = await mint()
  const own = '0000-1111'
  await tell('token.refused', { tunnel: 't1', reason: 'token-malformed', ref: own })
  await why(ref)
  broker.clock.advance(30 * DAY_MS + 61_000)
  await broker.store.grants.deleteExpiredBefore(broker.clock.now() - 30 * DAY_MS)
  await broker.store.timeline.trim({
    beforeMs: broker.clock.now() - 30 * DAY_MS,
    mostUnverified: 9,
  })
  for (const asked of [ref, own]) await broker.get(`/v1/why/${asked}`).expect(404)
})

test('what cannot be a reference is unknown, and needs a key as everything does', async () => {
  await broker.get('/v1/why/nonsense').expect(404)
  await broker.get(`/v1/why/${'x'.repeat(200)}`).expect(404)
  await broker.anonymous.get('/v1/why/7K3M-Q2XD').expect(401)
})
