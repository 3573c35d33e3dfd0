import { expect, test } from 'vitest'
import { ReadBuffers } from '../../src/gateway/read-buffers.ts'

test('hands out again what was given back, by its size', () => {
  const buffers = new ReadBuffers()
  const small = buffers.take('small')
  const large = buffers.take('large')
  expect([small.length, large.length]).toEqual([4 * 1024, 32 * 1024])
  buffers.giveBack(small)
  buffers.giveBack(large)
  expect(buffers.take('large')).toBe(large)
  expect(buffers.take('large')).not.toBe(large)
  expect(buffers.take('small')).toBe(small)
})

test('keeps 256 of each size and no more', () => {
  const buffers = new ReadBuffers()
  const taken = Array.from({ length: 300 }, () => buffers.take('small'))
  for (const buffer of taken) buffers.giveBack(buffer)
  const again = Array.from({ length: 300 }, () => buffers.take('small'))
  expect(again.filter((buffer) => taken.includes(buffer))).toHaveLength(256)
})
