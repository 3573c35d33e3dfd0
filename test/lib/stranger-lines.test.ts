import { expect, test } from 'vitest'
import { strangerLevel } from '../../src/lib/index.ts'

test('a hundred strangers are told of, then one a second', () => {
  let nowMs = 0
  const level = strangerLevel({ now: () => nowMs })
  const next = (count: number) => Array.from({ length: count }, level)
  expect(new Set(next(100))).toEqual(new Set(['warn']))
  expect(next(1)).toEqual(['debug'])
  nowMs += 1_000
  expect(next(2)).toEqual(['warn', 'debug'])
})
