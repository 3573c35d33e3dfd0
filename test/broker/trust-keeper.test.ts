import { afterEach, beforeEach, expect, test } from 'vitest'
import { entriesOf } from '../../src/broker/issuers.ts'
import { createPushes } from '../../src/broker/pushes.ts'
import { createTrustKeeper, type TrustKeeper } from '../../src/broker/trust-keeper.ts'
import type { Push } from '../../src/control/index.ts'
import { silentLog } from '../../src/lib/index.ts'
import { openSqliteStore, type Store } from '../../src/store/index.ts'
import { makeIssuer, NOW_MS } from './support.ts'

let store: Store
let nowMs: number
let pushed: Push[]
let keeper: TrustKeeper

beforeEach(async () => {
  store = await openSqliteStore({ file: ':memory:' })
  nowMs = NOW_MS
  pushed = []
  const pushes = createPushes()
  pushes.subscribe((message) => pushed.push(message))
  keeper = createTrustKeeper({ store, pushes, clock: { now: () => nowMs }, log: silentLog })
})
afterEach(() => store.close())

test('leaves out what is over, and forgets it, but not what a broker signs with', async () => {
  const [own, old] = await Promise.all([makeIssuer('own'), makeIssuer('old')])
  const fields = { broker: 'b', addedAtMs: NOW_MS, publishedVersion: 1 }
  await keeper.change(() => [
    ...entriesOf(own, { ...fields, use: 'primary' }),
    ...entriesOf(old, { ...fields, use: 'retiring', notAfterMs: NOW_MS + 1_000 }),
  ])
  expect((await keeper.forVerifiers()).issuers).toHaveLength(4)
  nowMs += 1_001
  expect((await keeper.forVerifiers()).issuers).toHaveLength(2)
  await keeper.sweep()
  expect((await store.trust.get()).issuers.map(({ use }) => use)).toEqual(['primary', 'primary'])
  nowMs = own.certificate.notAfter.getTime() + 1
  await keeper.sweep()
  expect((await store.trust.get()).version).toBe(2)
  expect((await keeper.forVerifiers()).issuers).toEqual([])
  expect(pushed.map((message) => message.type === 'trust' && message.version)).toEqual([1, 2])
})

test('a change that changes nothing tells nobody', async () => {
  await keeper.change(() => undefined)
  expect(pushed).toEqual([])
})

test('a set that no verifier could read is not kept, and nobody hears of it', async () => {
  const issuers = await Promise.all([makeIssuer('one'), makeIssuer('other')])
  const fields = { broker: 'b', addedAtMs: NOW_MS, publishedVersion: 1, use: 'trusted' as const }
  const [one = [], other = []] = issuers.map((issuer) => entriesOf(issuer, fields))
  await keeper.change(() => one)
  const early = other.map((entry) => ({ ...entry, notBeforeMs: -1 }))
  const many = Array.from({ length: 65 }, () => one).flat()
  for (const [unreadable, what] of [
    [early, /^No node could read this: issuers\.0\.notBefore: /],
    [many, /^No node could read this: issuers: /],
  ] as const) {
    await expect(keeper.change(() => [...unreadable])).rejects.toMatchObject({
      problem: 'validation-failed',
      message: expect.stringMatching(what),
    })
  }
  expect(await store.trust.get()).toMatchObject({ version: 1, issuers: one })
  expect(pushed).toHaveLength(1)
})
