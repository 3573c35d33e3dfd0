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
