import { expect, test } from 'vitest'
import { hasPassed } from '../../src/lab/run.ts'
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
