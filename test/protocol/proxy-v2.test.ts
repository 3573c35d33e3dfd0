import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { expect, test } from 'vitest'
import { ProtocolError } from '../../src/lib/index.ts'
import {
  decodeProxyFields,
  decodeProxyV2,
  encodeProxyV2,
  MAX_PROXY_HEADER_BYTES,
} from '../../src/protocol/index.ts'
import { hex } from '../helpers/hex.ts'
import { proxyHeader } from '../helpers/proxy-header.ts'

const HEAD_BYTES = 16

const canonical = (address: string): string => ipaddr.parse(address).toString()

test('reads what HAProxy writes for a client over IPv4', () => {
  const bytes = hex('0d0a0d0a000d0a515549540a 21 11 000c 7f000002 7f000001 c350 24e2')
  const source = { address: '127.0.0.2', port: 50_000 }
  expect(decodeProxyV2(bytes)).toEqual({ length: 28, source })
})

test('gives back the source, skips TLVs, and leaves what follows alone', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.ipV4(), fc.ipV6()),
      fc.nat(0xffff),
      fc.uint8Array({ maxLength: 400 }),
      fc.uint8Array({ maxLength: 40 }),
      (source, sourcePort, tlvs, rest) => {
        const header = proxyHeader({ source, sourcePort, tlvs })
        expect(decodeProxyV2(Buffer.concat([header, rest]))).toEqual({
          length: header.length,
          source: { address: canonical(source), port: sourcePort },
        })
      },
    ),
  )
})

test('asks for more at every truncation', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (source) => {
      const header = proxyHeader({ source, tlvs: hex('04000400000000') })
      for (let length = 0; length < header.length; length++) {
        expect(decodeProxyV2(header.subarray(0, length)), `${length} bytes`).toBeUndefined()
      }
    }),
    { numRuns: 20 },
  )
})

test('a balancer that speaks for itself, or does not know, names no source', () => {
  const headOnly = hex('0d0a0d0a000d0a515549540a 20 00 0000')
  expect(decodeProxyV2(headOnly)).toEqual({ length: HEAD_BYTES })
  expect(decodeProxyV2(proxyHeader({ command: 0 }))).toEqual({ length: 28 })
  expect(decodeProxyV2(proxyHeader({ familyAndProtocol: 0 }))).toEqual({ length: 28 })
})

test('takes 536 bytes and refuses 537', () => {
  const addresses = 12
  const tlvs = Buffer.alloc(MAX_PROXY_HEADER_BYTES - HEAD_BYTES - addresses)
  expect(decodeProxyV2(proxyHeader({ tlvs }))).toMatchObject({ length: MAX_PROXY_HEADER_BYTES })
  const larger = proxyHeader({ tlvs: Buffer.alloc(tlvs.length + 1) })
  // Before it has come: the length alone is enough.
  expect(() => decodeProxyV2(larger.subarray(0, HEAD_BYTES))).toThrow('at most 536 bytes')
})

test.each([
  ['another version', proxyHeader({ version: 1 }), 'need 2, have 1'],
  ['an unknown command', proxyHeader({ command: 2 }), 'neither LOCAL nor PROXY'],
  ['UDP', proxyHeader({ familyAndProtocol: 0x12 }), '0x12 is not TCP'],
  ['a UNIX socket', proxyHeader({ familyAndProtocol: 0x31 }), '0x31 is not TCP'],
  ['IPv4 addresses for IPv6', proxyHeader({ familyAndProtocol: 0x21 }), 'hold no two addresses'],
  ['version 1', Buffer.from('PROXY TCP4 192.0.2.7'), 'signature'],
  ['TLS from its first byte', hex('16'), 'signature'],
])('refuses %s', (_, bytes, message) => {
  expect(() => decodeProxyV2(bytes)).toThrow(message)
  expect(() => decodeProxyV2(bytes)).toThrow(ProtocolError)
})

test('any bytes give a header, a wish for more, or a ProtocolError', () => {
  const behindSignature = fc
    .uint8Array({ maxLength: 600 })
    .map((bytes) => Buffer.concat([proxyHeader().subarray(0, 12), bytes]))
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), behindSignature), (bytes) => {
      try {
        const header = decodeProxyV2(bytes)
        expect(header?.length ?? 0).toBeLessThanOrEqual(bytes.length)
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError)
      }
    }),
  )
})

test('writes what it reads: source, fields, and nothing for a sender that speaks for itself', () => {
  const end = fc.record({
    address: fc.oneof(fc.ipV4(), fc.ipV6()).map(canonical),
    port: fc.nat(0xffff),
  })
  const fields = fc.uniqueArray(
    fc.tuple(fc.integer({ min: 0xe0, max: 0xef }), fc.uint8Array({ maxLength: 40 })),
    { maxLength: 4, selector: ([type]) => type },
  )
  fc.assert(
    fc.property(end, end, fields, (source, destination, entries) => {
      const header = encodeProxyV2({ source, destination, fields: new Map(entries) })
      const decoded = decodeProxyV2(header)
      expect(decoded).toMatchObject({ length: header.length, source: { port: source.port } })
      const address = decoded?.source?.address ?? ''
      expect(ipaddr.process(address)).toEqual(ipaddr.process(source.address))
      expect([...decodeProxyFields(header)].map(([type, value]) => [type, [...value]])).toEqual(
        entries.map(([type, value]) => [type, [...value]]),
      )
    }),
  )
  expect(encodeProxyV2()).toEqual(hex('0d0a0d0a000d0a515549540a 20 00 0000'))
})

test('writes for IPv4 what HAProxy writes', () => {
  const source = { address: '127.0.0.2', port: 50_000 }
  const destination = { address: '127.0.0.1', port: 9_442 }
  expect(encodeProxyV2({ source, destination })).toEqual(
    hex('0d0a0d0a000d0a515549540a 21 11 000c 7f000002 7f000001 c350 24e2'),
  )
})

test('writes no header that nobody would read, and reads no field that ends beyond it', () => {
  const end = { address: '127.0.0.2', port: 50_000 }
  const fields = new Map([[0xe0, new Uint8Array(MAX_PROXY_HEADER_BYTES)]])
  expect(() => encodeProxyV2({ source: end, destination: end, fields })).toThrow(
    'allowed 536 bytes',
  )
  const cut = proxyHeader({ tlvs: hex('e0000461') })
  expect(() => decodeProxyFields(cut)).toThrow(ProtocolError)
  for (const silent of [{ command: 0 }, { familyAndProtocol: 0 }]) {
    expect(decodeProxyFields(proxyHeader({ ...silent, tlvs: hex('e0000161') })).size).toBe(0)
  }
})
