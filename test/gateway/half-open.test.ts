import { expect, test } from 'vitest'
import { HalfOpen } from '../../src/gateway/half-open.ts'
import { DEFAULT_LIMITS } from '../../src/gateway/index.ts'

function start(maxHalfOpen: number, maxHalfOpenPerAddress = maxHalfOpen): HalfOpen {
  return new HalfOpen({ ...DEFAULT_LIMITS, maxHalfOpen, maxHalfOpenPerAddress })
}

test('past all places the oldest gives way, once', () => {
  const halfOpen = start(2)
  const ended: string[] = []
  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4']) {
    halfOpen.take(address)?.onEvicted(() => ended.push(address))
  }
  expect(ended).toEqual(['192.0.2.1', '192.0.2.2'])
  expect(halfOpen.total).toBe(2)
})

test('the last way to end is the one that counts, and none once the place is given back', () => {
  const halfOpen = start(1, 2)
  const ended: string[] = []
  const first = halfOpen.take('192.0.2.1')
  first?.onEvicted(() => ended.push('as OUT'))
  first?.onEvicted(() => ended.push('as tunnel'))
  const second = halfOpen.take('192.0.2.1')
  second?.release()
  second?.onEvicted(() => ended.push('released'))
  halfOpen.take('192.0.2.1')
  expect(ended).toEqual(['as tunnel'])
})

test('one address gets no more than its share, and whoever gave way counts no longer', () => {
  const halfOpen = start(2, 1)
  expect(halfOpen.take('192.0.2.1')).toBeDefined()
  expect(halfOpen.take('192.0.2.1')).toBeUndefined()
  expect(halfOpen.take('192.0.2.2')).toBeDefined()
  expect(halfOpen.take('192.0.2.3')).toBeDefined()
  expect(halfOpen.take('192.0.2.1')).toBeDefined()
})
