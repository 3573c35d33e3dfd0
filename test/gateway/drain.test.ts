import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SessionRegistry } from '../../src/control/index.ts'
import { Drain, remindersOf, renderCountDown } from '../../src/gateway/drain.ts'
import type { Session } from '../../src/gateway/sessions.ts'
import { createLog, silentLog } from '../../src/lib/index.ts'

const MINUTE_MS = 60_000

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

/** A drain over this many sessions, and what came of it. */
function setUp(count: number) {
  const sessions = new SessionRegistry<Session>()
  const texts: string[] = []
  const ends: string[] = []
  const leave: (() => void)[] = []
  for (let index = 0; index < count; index += 1) {
    const { promise: done, resolve } = Promise.withResolvers<void>()
    leave.push(resolve)
    const session: Session = {
      id: `t-${index}`,
      purpose: 'gateway',
      token: undefined,
      log: silentLog,
      transport: { kind: 'websocket' },
      queued: { in: 0, out: 0 },
      bytesIn: 0,
      bytesOut: 0,
      end({ reason }) {
        ends.push(reason)
        resolve()
      },
      takesMessages: true,
      message: (text) => texts.push(text) > 0,
      done,
    }
    sessions.add(session)
  }
  const lines: Record<string, unknown>[] = []
  let reports = 0
  let told = 0
  const drain = new Drain({
    sessions,
    clock: { now: () => Date.now() },
    log: createLog({ stream: { write: (line: string) => void lines.push(JSON.parse(line)) } }),
    tellState: () => {
      told += 1
    },
    report: () => {
      reports += 1
    },
  })
  const begin = (minutes: number, message?: string) =>
    drain.apply({
      deadline: minutes,
      leftMs: minutes * MINUTE_MS,
      ...(message === undefined ? {} : { message }),
    })
  return { drain, begin, texts, ends, leave, lines, reports: () => reports, told: () => told }
}

test('users are told at the start, five minutes and one minute before the end', () => {
  const { begin, texts, ends } = setUp(1)
  begin(10, 'New cables at noon.')
  vi.advanceTimersByTime(0)
  expect(texts).toEqual([
    'New cables at noon. Your session ends in 10 minutes; open the console again to go on.',
  ])
  vi.advanceTimersByTime(5 * MINUTE_MS)
  expect(texts.at(-1)).toContain('5 minutes')
  vi.advanceTimersByTime(4 * MINUTE_MS)
  expect(texts.at(-1)).toContain('60 seconds')
  expect(texts).toHaveLength(3)
  vi.advanceTimersByTime(MINUTE_MS - 1)
  expect(ends).toEqual([])
  vi.advanceTimersByTime(1)
  expect(ends).toEqual(['drained'])
})

test('nobody is told the same twice, nor when there is no time left', () => {
  expect(remindersOf(90_000)).toEqual([
    { afterMs: 0, leftMs: 90_000 },
    { afterMs: 30_000, leftMs: 60_000 },
  ])
  expect(remindersOf(89_999)).toEqual([{ afterMs: 0, leftMs: 89_999 }])
  expect(remindersOf(999)).toEqual([])
})

test('the count-down reads well', () => {
  expect([1_000, 45_000, 120_000, 3_600_000].map(renderCountDown)).toEqual(
    ['1 second', '45 seconds', '2 minutes', '60 minutes'].map(
      (left) => `Your session ends in ${left}; open the console again to go on.`,
    ),
  )
})

test('a cancelled drain ends nobody, and says so', () => {
  const { drain, begin, texts, ends, told } = setUp(1)
  begin(10)
  vi.advanceTimersByTime(MINUTE_MS)
  expect(drain.order).toEqual({ deadline: 10 })
  drain.apply(undefined)
  expect(drain.order).toBeUndefined()
  vi.advanceTimersByTime(60 * MINUTE_MS)
  expect(ends).toEqual([])
  expect(texts.at(-1)).toContain('stays in service')
  expect(told()).toBe(2)
})

test('another deadline takes the place of the first; the same again changes nothing', () => {
  const { begin, texts, ends, reports } = setUp(1)
  begin(10)
  begin(10)
  expect(reports()).toBe(1)
  vi.advanceTimersByTime(MINUTE_MS)
  begin(2)
  vi.advanceTimersByTime(2 * MINUTE_MS)
  expect(ends).toEqual(['drained'])
  expect(texts.map((text) => /\d+ \w+/.exec(text)?.[0])).toEqual([
    '10 minutes',
    '2 minutes',
    '60 seconds',
  ])
})

test('sessions that end at once are reported together, and the last of them is told', async () => {
  const { begin, leave, lines, reports } = setUp(100)
  begin(10)
  for (const go of leave) go()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(reports()).toBe(2)
  expect(lines.at(-1)).toMatchObject({ event: 'node.state', state: 'drained' })
})

test('a stopped node keeps no timer', () => {
  const { drain, begin } = setUp(1)
  begin(10)
  drain.close()
  expect(vi.getTimerCount()).toBe(0)
})
