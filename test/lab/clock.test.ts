import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { LabClock, skewed } from '../../src/lab/clock.ts'
import * as lab from '../../src/lab/index.ts'

test('stands at a whole second until it is moved', () => {
  const clock = new LabClock(1_700_000_000_900)
  expect(clock.now()).toBe(1_700_000_000_000)
  clock.moveTo(1_700_000_000_001)
  expect(clock.now()).toBe(1_700_000_000_001)
})

test('goes forwards only', () => {
  const clock = new LabClock(2_000)
  expect(() => clock.moveTo(1_999)).toThrow(RangeError)
  expect(clock.now()).toBe(2_000)
})

test('a clock that is wrong stays wrong by the same', () => {
  const clock = new LabClock(10_000)
  const [ahead, behind] = [skewed(clock, 3), skewed(clock, -3)]
  clock.moveTo(20_000)
  expect([ahead.now(), behind.now()]).toEqual([23_000, 17_000])
})

test('no command but the lab has any other clock than the system', () => {
  expect(Object.keys(lab).filter((name) => /clock/i.test(name))).toEqual([])
  const cli = resolve(import.meta.dirname, '../../src/cli')
  const files = readdirSync(cli).map((name) => ({
    name,
    text: readFileSync(resolve(cli, name), 'utf8'),
  }))
  const started = /\b(runLab|createLabRoles)\(/
  const starting = files.filter(({ text }) => started.test(text)).map(({ name }) => name)
  expect(starting).toEqual(['lab-roles.ts', 'lab.ts'])
  // Everybody else hands on the clock that he was given, or the system's.
  const others = files.filter(({ text }) => /\bclock: (?!systemClock|Clock\b)/.test(text))
  expect(others.map(({ name }) => name)).toEqual([])
})
