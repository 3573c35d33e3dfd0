import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTimeline, type Timeline } from '../../src/broker/timeline.ts'
import { createLog, type Log, silentLog } from '../../src/lib/index.ts'
import { openSqliteStore, type Store } from '../../src/store/index.ts'

const NOW_MS = Date.UTC(2030, 0, 1, 12)
let nowMs: number
let store: Store
let timeline: Timeline
let log: Log
let told: Record<string, unknown>[]

beforeEach(async () => {
  nowMs = NOW_MS
  told = []
  store = await openSqliteStore({ file: ':memory:' })
  const clock = { now: () => nowMs }
  const own = createLog({ stream: { write: (line: string) => void told.push(JSON.parse(line)) } })
  timeline = createTimeline({ store, clock, log: own })
  log = timeline.tap(silentLog)
})
afterEach(() => store.close())

async function lines(text: string) {
  const found = await timeline.find(text)
  return (found?.entries ?? []).map(({ atMs, event, body }) => ({
    atMs,
    event,
    ...JSON.parse(body),
  }))
}

test('lines that are not about consoles or refusals are not kept, nor fields that nobody reads', async () => {
  log.info('node.state', { jti: 'j1', node: 'gw1' })
  log.info('token.redeemed', { jti: 'j1', node: 'gw1', gatewayToken: 'x', error: 'x'.repeat(999) })
  expect(await lines('j1')).toEqual([
    { atMs: NOW_MS, event: 'token.redeemed', node: 'gw1', error: 'x'.repeat(256) },
  ])
})

test("a node's time counts while it can be believed", async () => {
  const at = (ms: number) => new Date(ms).toISOString()
  const lateMs = 60 * 60_000
  log.info('tunnel.created', { jti: 'j1', at: at(NOW_MS - lateMs) })
  log.info('channel.opened', { jti: 'j1', at: at(NOW_MS + 1) })
  log.info('session.closed', { jti: 'j1', at: at(NOW_MS - 25 * lateMs) })
  expect((await lines('j1')).map(({ atMs }) => atMs)).toEqual([NOW_MS - lateMs, NOW_MS, NOW_MS])
})

test('many lines about one token are bounded, those of strangers first of all', async () => {
  for (let n = 0; n < 60; n += 1) log.warn('token.refused', { claimedJti: 'j1', ref: '0000-0000' })
  for (let n = 0; n < 510; n += 1) log.info('token.redeemed', { jti: 'j1' })
  const events = (await lines('j1')).map(({ event }) => event)
  expect(events.filter((event) => event === 'token.refused')).toHaveLength(50)
  expect(events.filter((event) => event === 'token.redeemed')).toHaveLength(500)
})

test('strangers leave a bounded number of lines, and what happens to tokens is still kept', async () => {
  const refuse = (n: number) =>
    log.warn('token.refused', { tunnel: `t${n}`, ref: '0000-0000', reason: 'token-malformed' })
  for (let n = 0; n < 2_000; n += 1) refuse(n)
  log.info('token.redeemed', { jti: 'j1' })
  await timeline.find('j1')
  nowMs += 1_000
  for (let n = 2_000; n < 3_000; n += 1) refuse(n)
  expect(await lines('j1')).toHaveLength(1)
  const kept = await store.timeline.list('tunnel:undefined/t999')
  expect(kept).toHaveLength(1)
  expect(await store.timeline.list('tunnel:undefined/t1000')).toEqual([])
  expect(await store.timeline.list('tunnel:undefined/t2049')).toHaveLength(1)
  expect(await store.timeline.list('tunnel:undefined/t2050')).toEqual([])
})

test('a peer that tells of tokens which nobody knows leaves no more lines than strangers', async () => {
  const tell = (jti: string) =>
    log.info('channel.refused', { jti, tunnel: 't1', node: 'gw1', toldBy: 'node' })
  log.info('token.redeemed', { jti: 'redeemed', node: 'gw1', tunnel: 't1' })
  for (let n = 0; n < 2_000; n += 1) tell(`made-up-${n}`)
  tell('redeemed')
  await timeline.flush()
  const keptOf = async (jti: string) =>
    (await store.timeline.list(`jti:${jti}`)).map(({ verified }) => verified)
  expect(await keptOf('made-up-999')).toEqual([false])
  expect(await keptOf('made-up-1000')).toEqual([])
  expect(await keptOf('redeemed')).toEqual([true, true])
})

test('a token that the broker has minted is known after its restart', async () => {
  const grant = {
    ...{ id: 'g1', ref: '7K3M-Q2XD', jti: 'minted', vm: 'web', host: 'hv1', tenant: 'acme' },
    ...{ user: 'ann', destination: '192.0.2.10:3389', issuerThumbprint: 'A'.repeat(64) },
    ...{ fileName: 'web.rdp', createdAtMs: NOW_MS, expiresAtMs: NOW_MS + 60_000 },
  }
  await store.grants.insert(grant)
  log.info('session.closed', { jti: 'minted', tunnel: 't1', node: 'gw1', toldBy: 'node' })
  expect((await timeline.find('minted'))?.entries).toMatchObject([{ verified: true }])
})

test('one caller that is refused all day leaves a bounded number of lines, and takes none from others', async () => {
  const refOf = (askedBy: string, n: number) => `${askedBy}-${String(n).padStart(5, '0')}`
  const refuse = (askedBy: string, n: number) =>
    log.warn('console.refused', { askedBy, ref: refOf(askedBy, n), code: 'vm-unknown' })
  for (let n = 0; n < 2_000; n += 1) refuse('ann', n)
  refuse('bob', 0)
  nowMs += 5_000
  for (let n = 2_000; n < 2_002; n += 1) refuse('ann', n)
  await timeline.flush()
  const isKept = async (askedBy: string, n: number) =>
    (await store.timeline.list(`ref:${refOf(askedBy, n)}`)).length === 1
  expect([await isKept('ann', 999), await isKept('ann', 1_000)]).toEqual([true, false])
  expect([await isKept('ann', 2_000), await isKept('ann', 2_001)]).toEqual([true, false])
  expect(await isKept('bob', 0)).toBe(true)
})

test('a store that fails costs lines, says so, and nothing else', async () => {
  await store.close()
  log.info('token.redeemed', { jti: 'j1' })
  await expect(timeline.find('j1')).rejects.toThrow()
  expect(told).toMatchObject([{ event: 'timeline.failed', lines: 1 }])
  store = await openSqliteStore({ file: ':memory:' })
})

test('what is older than 30 days is forgotten', async () => {
  log.info('token.redeemed', { jti: 'j1' })
  await timeline.find('j1')
  nowMs += 30 * 24 * 60 * 60_000
  log.info('session.closed', { jti: 'j1' })
  expect(await lines('j1')).toHaveLength(2)
  nowMs += 1
  await timeline.sweep()
  expect((await lines('j1')).map(({ event }) => event)).toEqual(['session.closed'])
})
