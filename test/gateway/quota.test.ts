import { expect, test } from 'vitest'
import { Quota } from '../../src/gateway/quota.ts'

test('gives places up to the total', () => {
  const quota = new Quota(2, 2)
  expect(quota.take('a')).toBeDefined()
  expect(quota.take('b')).toBeDefined()
  expect(quota.take('c')).toBeUndefined()
})

test('gives one address only its share', () => {
  const quota = new Quota(10, 1)
  expect(quota.take('a')).toBeDefined()
  expect(quota.take('a')).toBeUndefined()
  expect(quota.take('b')).toBeDefined()
})

test('a place given back is free again, and counts once however often it is given back', () => {
  const quota = new Quota(1, 1)
  const release = quota.take('a')
  release?.()
  release?.()
  expect(quota.total).toBe(0)
  expect(quota.take('a')).toBeDefined()
  expect(quota.take('a')).toBeUndefined()
})

test('counts an IPv6 client by its /64, whichever address of it comes', () => {
  const quota = new Quota(10, 1)
  const release = quota.take('2001:db8::1')
  expect(quota.take('2001:db8::2')).toBeUndefined()
  expect(quota.take('2001:db8:0:1::1')).toBeDefined()
  release?.()
  expect(quota.take('2001:db8::3')).toBeDefined()
})
