import { expect, test } from 'vitest'
import { hasPassed, verdictOf, walk } from '../../src/lab/run.ts'
import { SCENARIOS } from '../../src/lab/scenarios/index.ts'
import { RESULT } from './report/results.ts'

test('names are stable: a group and a case, each once', () => {
  const names = SCENARIOS.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const name of names) expect(name).toMatch(/^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$/)
})

test('a scenario passes with all its rows, and never without one', () => {
  expect(RESULT.scenarios.map(hasPassed)).toEqual([true, false, false])
  const [good] = RESULT.scenarios
  expect(good && hasPassed({ ...good, rows: [] })).toBe(false)
})

test('one that was left out neither passes nor fails, unless what was seen before is wrong', () => {
  const [good, bad] = RESULT.scenarios
  if (good === undefined || bad === undefined) throw new TypeError('no results')
  const skipped = 'interrupted'
  expect(verdictOf({ ...good, rows: [], skipped })).toBe('skip')
  expect(verdictOf({ ...good, skipped })).toBe('skip')
  expect(verdictOf({ ...bad, skipped })).toBe('fail')
})

test('what is seen of a scenario while it is cleared away is not its doing', async () => {
  const [good, bad] = RESULT.scenarios
  if (good === undefined || bad === undefined) throw new TypeError('no results')
  const interruption = new AbortController()
  const rows = [...good.rows]
  const closed = async () => void rows.push(...bad.rows)
  const result = await walk({
    scenario: good,
    bench: { rows, brokerLog: [], close: closed },
    run: () => {
      queueMicrotask(() => interruption.abort())
      return new Promise(() => {})
    },
    signal: interruption.signal,
  })
  expect(result).toMatchObject({ rows: good.rows, skipped: 'interrupted' })
  expect(verdictOf(result)).toBe('skip')
})

test('each says what it needs, or how long it waits, where nobody steers the clock', () => {
  const pace = { briefSeconds: 6, leewaySeconds: 5, dropSeconds: 2.5 }
  for (const { name, needs, ...rest } of SCENARIOS) {
    expect(needs ?? 'nothing', name).toMatch(/^(nothing|an? |nodes |two )/)
    const waits = 'waitsSeconds' in rest ? rest.waitsSeconds?.(pace) : 0
    expect(waits, name).toBeLessThan(180)
  }
})
