import { expect, test } from 'vitest'
import { addressKey, createAttemptLimit } from '../../src/broker/attempt-limit.ts'

test('counts each key for itself', async () => {
  const limit = createAttemptLimit(2, 60)
  expect(await limit.take('a')).toBeUndefined()
  expect(await limit.take('a')).toBeUndefined()
  expect(await limit.take('a')).toBe(60)
  expect(await limit.take('b')).toBeUndefined()
})

test('gives one attempt back, or forgives all', async () => {
  const limit = createAttemptLimit(1, 60)
  await limit.take('a')
  await limit.giveBack('a')
  expect(await limit.take('a')).toBeUndefined()
  expect(await limit.take('a')).toBe(60)
  await limit.forgive('a')
  expect(await limit.take('a')).toBeUndefined()
})

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2::7', '2001:db8:1:2::/64'],
  ['not an address', 'not an address'],
])('takes %s as %s', (address, key) => {
  expect(addressKey(address)).toBe(key)
})

test('takes an IPv6 /64 as one client', () => {
  expect(addressKey('2001:db8:1:2::7')).toBe(addressKey('2001:db8:1:2:aaaa:bbbb:cccc:dddd'))
  expect(addressKey('2001:db8:1:2::7')).not.toBe(addressKey('2001:db8:1:3::7'))
})
