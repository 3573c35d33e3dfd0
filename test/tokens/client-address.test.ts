import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clientKey, isAddressOrPrefix, isInside } from '../../src/tokens/client-address.ts'
import { normalizeAddress } from '../../src/tokens/index.ts'

test('unmaps IPv4 in IPv6 and drops zones', () => {
  expect(normalizeAddress('::ffff:192.0.2.1')).toBe('192.0.2.1')
  expect(normalizeAddress('fe80::1%eth0')).toBe('fe80::1')
  expect(normalizeAddress('2001:DB8:0:0:0::1')).toBe('2001:db8::1')
  expect(normalizeAddress('127.1')).toBeUndefined()
  expect(normalizeAddress('')).toBeUndefined()
})

test('a client is a /32 or a /64, a prefix a /24 or a /56', () => {
  const cases: Array<[string, string, boolean, boolean]> = [
    ['192.0.2.1', '::ffff:192.0.2.1', true, true],
    ['192.0.2.1', '192.0.2.2', false, true],
    ['192.0.2.1', '192.0.3.1', false, false],
    ['2001:db8::1', '2001:db8::2', true, true],
    ['2001:db8::1', '2001:db8:0:1::1', false, true],
    ['2001:db8::1', '2001:db8:0:100::1', false, false],
  ]
  for (const [a, b, sameAddress, samePrefix] of cases) {
    expect(clientKey(a, 'address') === clientKey(b, 'address'), `${a} ${b}`).toBe(sameAddress)
    expect(clientKey(a, 'prefix') === clientKey(b, 'prefix'), `${a} ${b}`).toBe(samePrefix)
    expect(clientKey(a, 'none')).toBe(clientKey(b, 'none'))
  }
  expect(clientKey('nonsense', 'address')).toBeUndefined()
})

test('any IPv4 address is the same client in both spellings', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      expect(clientKey(`::ffff:${address}`, 'address')).toBe(clientKey(address, 'address'))
      expect(isInside(`::ffff:${address}`, address)).toBe(true)
    }),
  )
})

test('tells addresses and prefixes from other text', () => {
  for (const text of ['192.0.2.1', '192.0.2.0/24', '::1', '2001:db8::/32']) {
    expect(isAddressOrPrefix(text), text).toBe(true)
  }
  for (const text of ['', '127.1', '192.0.2.0/33', '::/129', '192.0.2.0/', 'host']) {
    expect(isAddressOrPrefix(text), text).toBe(false)
  }
})

test('is inside its prefix, and never inside one of the other family', () => {
  expect(isInside('192.0.2.77', '192.0.2.0/24')).toBe(true)
  expect(isInside('192.0.3.77', '192.0.2.0/24')).toBe(false)
  expect(isInside('192.0.2.77', '::/0')).toBe(false)
  expect(isInside('2001:db8::1', '0.0.0.0/0')).toBe(false)
  expect(isInside('', '0.0.0.0/0')).toBe(false)
})
