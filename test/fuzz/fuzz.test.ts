import { afterAll, expect, test } from 'vitest'
import { LONG } from '../helpers/long.ts'
import { seedFrom } from '../helpers/random.ts'
import { corpusNames } from './corpus.ts'
import { fuzz } from './harness.ts'
import { TARGETS } from './targets/index.ts'

/** Repeats a run: `FUZZ_SEED=…`, as the last line of the run said. */
const seed = seedFrom('FUZZ_SEED')
/** For all targets together. */
const seconds = Number(process.env.FUZZ_SECONDS ?? (LONG ? 600 : 60))
const forMs = (seconds * 1000) / TARGETS.length
/** The corpus comes on top, and the last input may be a slow one. */
const SLACK_MS = 60_000

let inputs = 0

afterAll(() => {
  process.stdout.write(`fuzz: ${inputs} inputs, ${seconds} s, FUZZ_SEED=${seed}\n`)
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
