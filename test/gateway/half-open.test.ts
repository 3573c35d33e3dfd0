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
    halfOpen.take(address).onEvicted(() => ended.push(address))
  }
  expect(ended).toEqual(['192.0.2.1', '192.0.2.2'])
  expect(halfOpen.total).toBe(2)
})

test('the last way to end is the one that counts, and none once the place is given back', () => {
  const halfOpen = start(1, 2)
  const ended: string[] = []
  const first = halfOpen.take('192.0.2.1')
  first.onEvicted(() => ended.push('as OUT'))
  first.onEvicted(() => ended.push('as tunnel'))
  const second = halfOpen.take('192.0.2.1')
  second.release()
  second.onEvicted(() => ended.push('released'))
  halfOpen.take('192.0.2.1')
  expect(ended).toEqual(['as tunnel'])
})

test('past the share of one address its own oldest gives way, and nobody else', () => {
  const halfOpen = start(10, 2)
  const ended: string[] = []
  const take = (address: string, name: string) => {
    const place = halfOpen.take(address)
    place.onEvicted(() => ended.push(name))
    return place
  }
  take('192.0.2.2', 'another')
  const first = take('192.0.2.1', 'first')
  for (const name of ['second', 'third', 'fourth']) take('192.0.2.1', name)
  expect(ended).toEqual(['first', 'second'])
  expect(halfOpen.total).toBe(3)
  first.release()
  take('192.0.2.1', 'fifth')
  expect(ended).toEqual(['first', 'second', 'third'])
})

test('a client whose only place has gone to another counts from the beginning', () => {
  const halfOpen = start(2, 1)
  const ended: string[] = []
  for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.3']) {
    halfOpen.take(address).onEvicted(() => ended.push(address))
  }
  expect(ended).toEqual(['192.0.2.1', '192.0.2.1', '192.0.2.1'])
  halfOpen.take('192.0.2.1')
  expect(ended.at(-1)).toBe('192.0.2.2')
})

test('counts an IPv6 client by its /64, whichever address of it comes', () => {
  const halfOpen = start(10, 1)
  let ended = 0
  halfOpen.take('2001:db8::1').onEvicted(() => ended++)
  halfOpen.take('2001:db8:0:1::1')
  expect(ended).toBe(0)
  halfOpen.take('2001:db8::2')
  expect(ended).toBe(1)
})
