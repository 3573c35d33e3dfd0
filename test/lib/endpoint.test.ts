import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatEndpoint, parseEndpoint } from '../../src/lib/index.ts'

test('reads names and addresses of both families', () => {
  expect(parseEndpoint('Host.Example.:3389')).toEqual({ host: 'host.example', port: 3389 })
  expect(parseEndpoint('192.0.2.1:1')).toEqual({ host: '192.0.2.1', port: 1 })
  expect(parseEndpoint('[2001:DB8::1]:65535')).toEqual({ host: '2001:db8::1', port: 65535 })
  expect(parseEndpoint('host', 443)).toEqual({ host: 'host', port: 443 })
})

test('refuses what names no host or no port', () => {
  for (const text of [
    '',
    'host',
    ':1',
    'host:',
    'host:0',
    'host:65536',
    'a b:1',
    '2001:db8::1:80',
    '[x]:1',
    'u@h:1',
  ]) {
    expect(parseEndpoint(text), text).toBeUndefined()
  }
})

test('what it writes it reads back', () => {
  const host = fc.oneof(fc.ipV4(), fc.constantFrom('a.example', 'localhost', '2001:db8::1', '::1'))
  fc.assert(
    fc.property(host, fc.integer({ min: 1, max: 65_535 }), (name, port) => {
      expect(parseEndpoint(formatEndpoint({ host: name, port }))).toEqual({ host: name, port })
    }),
  )
})
