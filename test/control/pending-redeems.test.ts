import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { PendingRedeems } from '../../src/control/pending-redeems.ts'
import { Secret } from '../../src/lib/index.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const REQUEST = { token: new Secret('a.b.c'), clientAddress: '192.0.2.7', tunnel: 't-1' }

const open = () => new PendingRedeems({ redeemMs: 1_000, maxPendingRedeems: 2 })

test('each answer goes to its own request, in any order', async () => {
  const redeems = open()
  const [first, second] = [redeems.open(REQUEST), redeems.open(REQUEST)]
  redeems.answer(second.number, { ok: false, reason: 'token-replayed' })
  redeems.answer(first.number, { ok: true })
  expect(await first.answer).toEqual({ ok: true })
  expect(await second.answer).toEqual({ ok: false, reason: 'token-replayed' })
})

test('what the user has to agree to comes with the answer', async () => {
  const redeems = open()
  const { number, answer } = redeems.open(REQUEST)
  redeems.answer(number, { ok: true, consentText: 'Be good.' })
  expect(await answer).toEqual({ ok: true, consentText: 'Be good.' })
})

test('an answer that does not come within a second is none', async () => {
  const redeems = open()
  const { number, answer } = redeems.open(REQUEST)
  const failed = expect(answer).rejects.toMatchObject({ code: 'ERR_NO_ANSWER' })
  await vi.advanceTimersByTimeAsync(1_000)
  await failed
  redeems.answer(number, { ok: true })
})

test('a broker that cannot decide is one that does not answer', async () => {
  const redeems = open()
  const { number, answer } = redeems.open(REQUEST)
  redeems.answer(number, { ok: false, reason: 'broker-unreachable' })
  await expect(answer).rejects.toMatchObject({ code: 'ERR_NO_ANSWER' })
})

test('a lost connection leaves nobody waiting', async () => {
  const redeems = open()
  const answers = [redeems.open(REQUEST).answer, redeems.open(REQUEST).answer]
  redeems.abandon(new Error('gone'))
  for (const answer of answers) await expect(answer).rejects.toThrow('gone')
  expect(vi.getTimerCount()).toBe(0)
})

test('past the limit a redeem fails at once', () => {
  const redeems = open()
  for (const { answer } of [redeems.open(REQUEST), redeems.open(REQUEST)]) answer.catch(() => {})
  expect(() => redeems.open(REQUEST)).toThrow('2 wait')
})

test('what has no answer yet can be asked again, by the same number', () => {
  const redeems = open()
  const [first, second] = [redeems.open(REQUEST), redeems.open(REQUEST)]
  redeems.answer(first.number, { ok: true })
  expect(redeems.waiting()).toEqual([{ number: second.number, request: REQUEST }])
  second.answer.catch(() => {})
})
