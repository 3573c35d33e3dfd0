import { expect, test } from 'vitest'
import { FirstBytes } from '../../../src/gateway/relay/first-bytes.ts'
import { encodeConnectionRequest } from '../../../src/protocol/index.ts'

const REQUEST = encodeConnectionRequest({ negotiation: { flags: 0, requestedProtocols: 3 } })

test('lets an X.224 connection request through, whole or byte by byte', () => {
  expect(new FirstBytes().push(REQUEST)).toEqual(REQUEST)

  const firstBytes = new FirstBytes()
  const passed = [...REQUEST].map((byte) => firstBytes.push(Uint8Array.of(byte)))
  expect(passed.slice(0, 5)).toEqual(Array(5).fill(undefined))
  expect(Buffer.concat(passed.filter((bytes) => bytes !== undefined))).toEqual(REQUEST)
  expect(firstBytes.proven).toBe(true)
})

test('a preconnection blob would choose a VM that the token does not name', () => {
  const blob = Buffer.from(
    '200000000000000002000000000000000700540065007300740056004d000000',
    'hex',
  )
  expect(() => new FirstBytes().push(blob)).toThrow(
    expect.objectContaining({ reason: 'vm-mismatch' }),
  )
})

test.each([
  ['TLS', '160301'],
  ['HTTP', '474554202f20485454502f312e310d0a'],
  ['another X.224 code', '0300000b02f0'],
])('refuses %s', (_, hex) => {
  const push = () => new FirstBytes().push(Buffer.from(hex, 'hex'))
  expect(push).toThrow(expect.objectContaining({ reason: 'protocol-error' }))
})
