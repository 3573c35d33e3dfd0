import { randomInt } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import { corpusNames } from './corpus.ts'
import { fuzz } from './harness.ts'
import { TARGETS } from './targets/index.ts'

/** Repeats a run: `PORTCULLIS_FUZZ_SEED=…`, as the last line of the run said. */
const seed = Number(process.env.PORTCULLIS_FUZZ_SEED ?? randomInt(2 ** 31))
const isLong = process.env.PORTCULLIS_TEST_LONG === '1'
/** For all targets together. */
const seconds = Number(process.env.PORTCULLIS_FUZZ_SECONDS ?? (isLong ? 600 : 60))
const forMs = (seconds * 1000) / TARGETS.length
/** The corpus comes on top, and the last input may be a slow one. */
const SLACK_MS = 60_000

let inputs = 0

afterAll(() => {
  process.stdout.write(`fuzz: ${inputs} inputs, ${seconds} s, PORTCULLIS_FUZZ_SEED=${seed}\n`)
})

test('every corpus belongs to a target', () => {
  expect(corpusNames()).toEqual(TARGETS.map(({ name }) => name).sort())
})

test.each(TARGETS.map((target) => [target.name, target] as const))(
  '%s',
  async (_, target) => {
    inputs += await fuzz(target, { seed, forMs })
  },
  forMs + SLACK_MS,
)
