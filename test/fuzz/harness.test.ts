import { expect, test } from 'vitest'
import { ProtocolError } from '../../src/lib/index.ts'
import { createRandom } from '../helpers/random.ts'
import type { CorpusEntry } from './corpus.ts'
import { fuzz } from './harness.ts'
import { mutate } from './mutate.ts'
import type { DecoderTarget, FuzzTarget, StreamTarget } from './target.ts'

const CORPUS: CorpusEntry[] = [{ note: 'four bytes', bytes: Buffer.of(1, 2, 3, 4) }]
const SEED = 1
const FOR_MS = 200

const decoder: DecoderTarget = {
  kind: 'decoder',
  name: 'broken',
  covers: [],
  mayThrow: [ProtocolError],
  decode: (bytes) => bytes.length,
}
const stream: StreamTarget = {
  kind: 'stream',
  name: 'broken',
  covers: [],
  mayThrow: [],
  start: () => ({ push: () => {}, outcome: () => undefined }),
}

function run(target: FuzzTarget, kept: CorpusEntry[] = []): Promise<number> {
  const keep = (_: string, entry: CorpusEntry): string => {
    kept.push(entry)
    return 'a list'
  }
  return fuzz(target, { seed: SEED, forMs: FOR_MS, corpus: CORPUS, keep })
}

test('lets a decoder pass that does all right', async () => {
  expect(await run(decoder)).toBeGreaterThan(100)
})

test.each<[string, FuzzTarget, string]>([
  [
    'throws a bare error for one of many inputs',
    {
      ...decoder,
      decode(bytes) {
        if (bytes.length > 4) throw new RangeError('out of bounds')
      },
    },
    'not one of its errors: RangeError: out of bounds',
  ],
  [
    'reads behind its input',
    {
      ...decoder,
      decode: ({ buffer, byteOffset }) => new Uint8Array(buffer, byteOffset, 5).at(-1),
    },
    'other bytes around it',
  ],
  [
    'writes behind its input',
    {
      ...decoder,
      decode: ({ buffer, byteOffset }) => new Uint8Array(buffer, byteOffset).fill(9, 4, 5).length,
    },
    'bytes outside of the input were written',
  ],
  [
    'writes over its input',
    { ...decoder, decode: (bytes) => bytes.fill(9).length },
    'written over',
  ],
  [
    'takes its time',
    {
      ...decoder,
      maxMs: 5,
      decode() {
        for (const start = performance.now(); performance.now() - start < 10; );
      },
    },
    'ms of 5',
  ],
  [
    'takes memory that a length field asks for',
    { ...decoder, decode: () => Buffer.alloc(128 * 1024 * 1024).fill(1) },
    'bytes of 50331648',
  ],
  ['encodes to something else', { ...decoder, encode: () => Buffer.alloc(9) }, 'its own encoding'],
  [
    'depends on the split',
    {
      ...stream,
      start() {
        let pieces = 0
        return { push: () => void pieces++, outcome: () => pieces }
      },
    },
    'another split',
  ],
])('finds one that %s', async (_, target, message) => {
  const kept: CorpusEntry[] = []
  await expect(run(target, kept)).rejects.toThrow(message)
  expect(kept).toHaveLength(1)
})

test('a seed decides every mutation', () => {
  const input = Buffer.from('an input that is long enough to be changed in many ways')
  const mutations = (seed: number): string[] => {
    const random = createRandom(seed, 'name')
    const options = { pool: [input], dictionary: ['word'], maxBytes: 1_000 }
    return Array.from({ length: 200 }, () => mutate(input, random, options).toString('hex'))
  }
  expect(mutations(7)).toEqual(mutations(7))
  expect(mutations(7)).not.toEqual(mutations(8))
  expect(new Set(mutations(7)).size).toBeGreaterThan(150)
})
