import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pageOf, timeCursor } from '../../src/broker/paging.ts'
import { createTestBroker, type TestBroker } from './support.ts'

test('pages of any size, put together, are the list, whatever comes before them meanwhile', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(1_000)), fc.integer({ min: 1, max: 7 }), (times, limit) => {
      const items = times.toSorted((a, b) => a - b)
      const cursorOf = (timeMs: number) => timeCursor(timeMs, 'x')
      const seen: number[] = []
      let after: string | undefined
      do {
        // What was seen may be gone by now.
        const left = items.filter((item) => !seen.includes(item))
        const page = pageOf(left, { limit, after }, cursorOf)
        expect(page.items.length).toBeLessThanOrEqual(limit)
        seen.push(...page.items)
        after = page.next
      } while (after !== undefined)
      expect(seen).toEqual(items)
    }),
  )
})

test('cursors of times are in the order of times, then of ids', () => {
  const cursors = [
    timeCursor(9, 'b'),
    timeCursor(10, 'a'),
    timeCursor(10, 'b'),
    timeCursor(1e12, 'a'),
  ]
  expect(cursors.toSorted()).toEqual(cursors)
})

describe('lists of the API', () => {
  let api: TestBroker

  beforeAll(async () => {
    api = await createTestBroker()
    for (const index of [1, 2, 3]) {
      await api.put(`/v1/tenants/t${index}`, { name: `T${index}` }).expect(201)
      await api.put(`/v1/hosts/h${index}`, {
        kind: 'rdp',
        address: '192.0.2.10',
        console: { allow: false },
      })
      await api.put(`/v1/vms/v${index}`, { name: 'v', tenant: 't1', host: 'h1' }).expect(201)
      await api.put(`/v1/users/u${index}`, { password: 'correct pony' }).expect(201)
      await api.post('/v1/keys', { id: `k${index}`, roles: ['viewer'] }).expect(201)
      await api.post('/v1/revocations', { kind: 'user', value: `u${index}` }).expect(201)
      await api.store.nodes.seen({ name: `gw${index}`, state: 'ready', tunnels: 0 })
      const seen = { name: `gw${index}`, role: 'node' as const, lastSeenMs: api.clock.now() }
      await api.store.verifiers.seen(seen)
      await openSession(index)
    }
  })
  afterAll(() => api.close())

  async function openSession(index: number): Promise<void> {
    const atMs = api.clock.now()
    await api.store.redeems.redeem(`r${index}`, () => ({
      result: undefined,
      redeem: {
        ...{ key: `r${index}`, jti: `j${index}`, vm: `v${index}`, client: '192.0.2.7' },
        ...{ issuerThumbprint: 'A'.repeat(64), issuedAtMs: atMs, expiresAtMs: atMs + 60_000 },
        ...{ reconnectMs: 0, firstRedeemMs: atMs, superseded: false, forgetAtMs: atMs + 90_000 },
      },
      lease: {
        ...{ id: `s${index}`, key: `r${index}`, node: 'gw1', tunnel: `t${index}` },
        ...{ clientAddress: '192.0.2.7', openedAtMs: atMs, seenAtMs: atMs },
      },
    }))
  }

  test.each(['tenants', 'hosts', 'vms', 'users', 'keys', 'nodes', 'sessions', 'revocations'])(
    '%s come by the page',
    async (name) => {
      const whole = await api.get(`/v1/${name}`).expect(200)
      expect(whole.body.items.length).toBeGreaterThanOrEqual(3)
      expect(whole.body.next).toBeUndefined()
      const items: unknown[] = []
      let query = '?limit=2'
      for (;;) {
        const { body } = await api.get(`/v1/${name}${query}`).expect(200)
        items.push(...body.items)
        if (body.next === undefined) break
        expect(body.items).toHaveLength(2)
        query = `?limit=2&after=${encodeURIComponent(body.next)}`
      }
      expect(items).toEqual(whole.body.items)
    },
  )

  test.each(['limit=0', 'limit=1001', 'limit=x', 'limit=1&limit=2', 'after=', 'offset=3'])(
    'refuses ?%s',
    async (query) => {
      const { body } = await api.get(`/v1/vms?${query}`).expect(400)
      expect(body.code).toBe('validation-failed')
    },
  )
})
