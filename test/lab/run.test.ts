import { expect, test } from 'vitest'
import { hasPassed, verdictOf } from '../../src/lab/run.ts'
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

test('each says what it needs, or how long it waits, where nobody steers the clock', () => {
  const pace = { briefSeconds: 6, leewaySeconds: 5, dropSeconds: 2.5 }
  for (const { name, needs, ...rest } of SCENARIOS) {
    expect(needs ?? 'nothing', name).toMatch(/^(nothing|an? |nodes |two )/)
    const waits = 'waitsSeconds' in rest ? rest.waitsSeconds?.(pace) : 0
    expect(waits, name).toBeLessThan(180)
  }
})
