import { expect, test } from 'vitest'
import { compareNames } from '../../../src/gateway/probe/names.ts'

test('of very many reverse names the first eight are looked at', async () => {
  const asked: string[] = []
  const names = await compareNames('192.0.2.1', '192.0.2.1', {
    lookup: async (name) => {
      asked.push(name)
      return []
    },
    reverse: async () => Array.from({ length: 100 }, (_, index) => `host${index}.example`),
    timeoutMs: 1_000,
    signal: new AbortController().signal,
  })
  expect(names?.reverse).toHaveLength(8)
  expect(asked).toHaveLength(8)
})
