import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Secret } from '../../../src/lib/index.ts'
import { signIn } from '../portal-sign-in.ts'
import { createTestBroker, type TestBroker } from '../support.ts'

/** A second, which it is otherwise, may be too short for a busy machine. */
const WAIT = { timeout: 15_000 }

let api: TestBroker
let server: Server

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  api = await createTestBroker()
  server = createServer(api.broker.app.callback())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await api.close()
  vi.useRealTimers()
})

interface Stream {
  status: number
  headers: Headers
  /** Reads until so many events have come. */
  read(count: number): Promise<Array<{ id: string; event: string; data: Record<string, unknown> }>>
  /** Resolves when the server ends it. */
  ended(): Promise<void>
  leave(): void
}

const bearer = (key: string) => ({ Authorization: `Bearer ${key}` })

async function follow(
  lastEventId?: string,
  sender: object = bearer(api.key.reveal()),
): Promise<Stream> {
  // A server listens on a port here, and not on a path.
  const { port } = server.address() as AddressInfo
  const leaving = new AbortController()
  const answer = await fetch(`http://127.0.0.1:${port}/v1/events`, {
    signal: leaving.signal,
    headers: {
      ...sender,
      ...(lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }),
    },
  })
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  const events: Array<{ id: string; event: string; data: Record<string, unknown> }> = []
  const take = (text: string): void => {
    const blocks = `${rest}${text}`.split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const [, id, event, data] = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(block) ?? []
      if (id && event && data) events.push({ id, event, data: JSON.parse(data) })
    }
  }
  return {
    status: answer.status,
    headers: answer.headers,
    async read(count) {
      while (events.length < count) {
        const chunk = await reader?.read()
        if (chunk === undefined || chunk.done) break
        take(chunk.value)
      }
      return events
    },
    async ended() {
      try {
        while ((await reader?.read())?.done === false);
      } catch {
        // Cut off in the middle is an end as well.
      }
    },
    leave: () => leaving.abort(),
  }
}

/** Two events: minted, fetched. */
const mint = () => api.post('/v1/consoles', { vm: 'web', user: 'ann' }).expect(201)

test('what happens is told at once, without any token', async () => {
  const stream = await follow()
  expect(stream.headers.get('content-type')).toBe('text/event-stream')
  expect(stream.headers.get('cache-control')).toBe('no-store')
  const { body } = await mint()
  await api.delete(`/v1/consoles/${body.id}`).expect(204)
  const events = await stream.read(3)
  expect(events).toMatchObject([
    {
      event: 'console.minted',
      data: { event: 'console.minted', ref: body.ref, vm: 'web', user: 'ann', tenant: 'acme' },
    },
    { event: 'console.fetched', data: { ref: body.ref, askedBy: 'key:test' } },
    { event: 'token.revoked', data: { askedBy: 'key:test' } },
  ])
  expect(events[0]?.data.time).toBe('2030-01-01T12:00:00.000Z')
  expect(JSON.stringify(events)).not.toContain(body.gatewayToken)
  stream.leave()
  await vi.waitFor(() => expect(api.events('request.aborted')).toHaveLength(1), WAIT)
  expect(api.events('request.aborted')).toMatchObject([{ level: 'debug' }])
})

test('who comes back gets what was missed, and only that', async () => {
  const first = await follow()
  await mint()
  const [, seen] = await first.read(2)
  first.leave()
  const { body: second } = await mint()
  const { body: third } = await mint()
  const again = await follow(seen?.id)
  const missed = await again.read(4)
  expect(missed.map(({ event, data }) => [event, data.ref])).toEqual([
    ['console.minted', second.ref],
    ['console.fetched', second.ref],
    ['console.minted', third.ref],
    ['console.fetched', third.ref],
  ])
  again.leave()
})

test('who was away for too long, or over a restart, is told that something is lost', async () => {
  const stream = await follow()
  await mint()
  const [seen] = await stream.read(1)
  stream.leave()
  for (let index = 0; index < 1_001; index += 1) {
    api.broker.log.info('token.redeemed', { jti: `j${index}` })
  }
  for (const id of [seen?.id, 'another-1']) {
    const again = await follow(id)
    const { body } = await mint()
    const [lost, next] = await again.read(2)
    expect(lost?.event).toBe('events.lost')
    expect(next?.data.ref).toBe(body.ref)
    again.leave()
  }
})

test('a key that is revoked meanwhile is told nothing more', async () => {
  const { body } = await api.post('/v1/keys', { id: 'watcher', roles: ['viewer'] }).expect(201)
  const stream = await follow(undefined, bearer(body.key))
  const other = await follow()
  vi.advanceTimersByTime(15_000)
  await mint()
  expect(await stream.read(2)).toHaveLength(2)
  await api.delete('/v1/keys/watcher').expect(204)
  vi.advanceTimersByTime(15_000)
  await stream.ended()
  await mint()
  expect(await other.read(4)).toHaveLength(4)
  other.leave()
})

test.each([
  ['has other roles', { roles: ['operator'] }],
  ['has another password', { roles: ['viewer'], password: 'another pony' }],
  ['is disabled', { roles: ['viewer'], disabled: true }],
])('a signed-in user who meanwhile %s is told nothing more', async (_, change) => {
  await api.put('/v1/users/eve', { roles: ['viewer'], password: 'correct pony' }).expect(201)
  const { sessionToken } = await signIn(api.broker.services, 'eve', 'correct pony')
  const stream = await follow(undefined, {
    Cookie: `__Host-portcullis=${sessionToken.reveal()}`,
  })
  expect(stream.status).toBe(200)
  vi.advanceTimersByTime(15_000)
  await mint()
  expect(await stream.read(2)).toHaveLength(2)
  await api.put('/v1/users/eve', change).expect(200)
  vi.advanceTimersByTime(15_000)
  await stream.ended()
})

test('a stream keeps no session alive', async () => {
  await api.put('/v1/users/eve', { roles: ['viewer'], password: 'correct pony' }).expect(201)
  const { sessionToken } = await signIn(api.broker.services, 'eve', 'correct pony')
  const stream = await follow(undefined, {
    Cookie: `__Host-portcullis=${sessionToken.reveal()}`,
  })
  api.clock.advance(29 * 60_000)
  vi.advanceTimersByTime(15_000)
  await mint()
  expect(await stream.read(2)).toHaveLength(2)
  api.clock.advance(60_000)
  vi.advanceTimersByTime(15_000)
  await stream.ended()
})

test('strangers cannot fill the stream', async () => {
  const stream = await follow()
  for (let index = 0; index < 1_000; index += 1) api.broker.log.warn('auth.failed', { index })
  const { body } = await mint()
  const events = await stream.read(202)
  expect(events).toHaveLength(202)
  expect(events.at(-1)?.data.ref).toBe(body.ref)
  stream.leave()
})

test('one key has five streams at most, and a place is free once one ends', async () => {
  const streams = await Promise.all(Array.from({ length: 5 }, () => follow()))
  const refused = await follow()
  expect(refused.status).toBe(429)
  expect(refused.headers.get('retry-after')).toBe('10')
  streams[0]?.leave()
  await vi.waitFor(async () => expect((await follow()).status).toBe(200), WAIT)
  for (const stream of streams) stream.leave()
})

test('a reader that does not read is cut off, and nobody else', async () => {
  const slow = await follow()
  const other = await follow()
  const line = {
    jti: 'j',
    ...Object.fromEntries([...Array(40).keys()].map((n) => [`f${n}`, 'x'.repeat(256)])),
  }
  for (let index = 0; index < 100; index += 1) {
    for (let n = 0; n < 10; n += 1) api.broker.log.info('token.redeemed', line)
    await other.read((index + 1) * 10)
  }
  await slow.ended()
  await mint()
  expect((await other.read(1_001))[1_000]?.event).toBe('console.minted')
  other.leave()
}, 20_000)

test('a node that was not known joins once', async () => {
  const stream = await follow()
  const about = { address: '192.0.2.1', software: '1.2.3', protocol: 3, certificateNotAfterMs: 0 }
  const gw1 = { name: 'gw1', role: 'node' } as const
  await api.broker.control.joined(gw1, about)
  await api.broker.control.applied(gw1, 'trust', 1)
  await api.broker.control.left(gw1)
  await api.broker.control.joined(gw1, about)
  await api.delete('/v1/issuers/verifiers/gw1').expect(204)
  await api.broker.control.joined(gw1, about)
  const events = await stream.read(4)
  expect(events.map(({ event, data }) => [event, data.node])).toEqual([
    ['node.joined', 'gw1'],
    ['trust.applied', 'gw1'],
    ['node.state', 'gw1'],
    ['node.joined', 'gw1'],
  ])
  expect(events[0]?.data).toMatchObject({ remoteAddress: '192.0.2.1', software: '1.2.3' })
  stream.leave()
})

test('what broker and node both tell comes once, what a node alone tells as well', async () => {
  const stream = await follow()
  const { body } = await mint()
  const [tunnel, clientAddress] = ['t1', '192.0.2.7']
  const gw1 = { name: 'gw1', role: 'node' } as const
  const token = new Secret(body.gatewayToken)
  const tell = (event: 'token.redeemed' | 'session.killed', of = tunnel) =>
    api.broker.control.event(gw1, {
      ...{ event, time: api.clock.now() },
      fields: { jti: 'j', tunnel: of, ...(event === 'session.killed' && { reason: 'killed' }) },
    })
  await api.broker.control.redeem(gw1, { token, tunnel, clientAddress })
  await tell('token.redeemed')
  const session = await api.store.leases.find('gw1', tunnel)
  await api.delete(`/v1/sessions/${session?.id}`).expect(204)
  await tell('session.killed')
  await tell('session.killed', 't2')
  const events = (await stream.read(5)).slice(2)
  expect(events.map(({ event, data }) => [event, data.tunnel, data.askedBy])).toEqual([
    ['token.redeemed', 't1', undefined],
    ['session.killed', 't1', 'key:test'],
    ['session.killed', 't2', undefined],
  ])
  stream.leave()
})

test('a certificate that ends soon is told as well', async () => {
  const stream = await follow()
  api.broker.log.warn('cert.expiring', { certificate: 'tls.certificateFile', daysLeft: 25 })
  expect(await stream.read(1)).toMatchObject([{ event: 'cert.expiring', data: { daysLeft: 25 } }])
  stream.leave()
})

test('a closing broker ends its streams', async () => {
  const stream = await follow()
  await api.broker.close()
  await stream.ended()
})

test('an id that no event can have is refused', async () => {
  await api.get('/v1/events').set('Last-Event-ID', 'none').expect(400)
})
