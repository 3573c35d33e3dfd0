import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError, Secret } from '../../src/lib/index.ts'
import * as protocol from '../../src/protocol/index.ts'

const bodyOf = (packet: Uint8Array): Uint8Array => packet.subarray(protocol.HEADER_BYTES)
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')

/** Text as clients send it: whole characters, no NUL. */
const text = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
  .filter((value) => !value.includes('\0'))
const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const optional = <T>(key: string, value: fc.Arbitrary<T>): fc.Arbitrary<object> =>
  fc.option(value, { nil: undefined }).map((it) => (it === undefined ? {} : { [key]: it }))
const merged = (...parts: fc.Arbitrary<object>[]): fc.Arbitrary<object> =>
  fc.tuple(...parts).map((objects) => Object.assign({}, ...objects))

// Each codec with values it must carry both ways. The cast forgets the packet's type for the table's sake.
const codecs = {
  handshakeRequest: [
    protocol.encodeHandshakeRequest,
    protocol.decodeHandshakeRequest,
    fc.record({
      verMajor: fc.integer({ min: 0, max: 255 }),
      verMinor: fc.integer({ min: 0, max: 255 }),
      clientVersion: u16,
      extendedAuth: u16,
    }),
  ],
  handshakeResponse: [
    protocol.encodeHandshakeResponse,
    protocol.decodeHandshakeResponse,
    fc.record({
      errorCode: u32,
      verMajor: fc.constant(1),
      verMinor: fc.constant(0),
      serverVersion: u16,
      extendedAuth: u16,
    }),
  ],
  tunnelResponse: [
    protocol.encodeTunnelResponse,
    protocol.decodeTunnelResponse,
    merged(
      fc.record({ serverVersion: u16, statusCode: u32 }),
      optional('tunnelId', u32),
      optional('capsFlags', u32),
      optional('consentMsg', text),
    ),
  ],
  tunnelAuth: [
    protocol.encodeTunnelAuth,
    protocol.decodeTunnelAuth,
    fc.record({ clientName: fc.oneof(text, fc.constant('')) }),
  ],
  tunnelAuthResponse: [
    protocol.encodeTunnelAuthResponse,
    protocol.decodeTunnelAuthResponse,
    merged(
      fc.record({ errorCode: u32 }),
      optional('redirFlags', u32),
      optional('idleTimeoutMinutes', u32),
    ),
  ],
  channelCreate: [
    protocol.encodeChannelCreate,
    protocol.decodeChannelCreate,
    fc.record({
      resources: fc.array(text, { minLength: 1, maxLength: 50 }),
      altResources: fc.array(text, { maxLength: 3 }),
      port: u16,
      protocol: u16,
    }),
  ],
  channelResponse: [
    protocol.encodeChannelResponse,
    protocol.decodeChannelResponse,
    merged(fc.record({ errorCode: u32 }), optional('channelId', u32)),
  ],
  serviceMessage: [protocol.encodeServiceMessage, protocol.decodeServiceMessage, text],
  reauth: [
    protocol.encodeReauth,
    protocol.decodeReauth,
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  ],
  closeChannel: [protocol.encodeCloseChannel, protocol.decodeClose, u32],
  closeChannelResponse: [protocol.encodeCloseChannelResponse, protocol.decodeClose, u32],
} as unknown as Record<
  string,
  [(value: unknown) => Buffer, (body: Uint8Array) => unknown, fc.Arbitrary<unknown>]
>

for (const [name, [encode, decode, values]] of Object.entries(codecs)) {
  describe(name, () => {
    test('decodes what it encodes, and says its own length', () => {
      fc.assert(
        fc.property(values, (value) => {
          const packet = encode(value)
          expect(packet.readUInt32LE(4)).toBe(packet.length)
          expect(decode(bodyOf(packet))).toEqual(value)
        }),
      )
    })

    test('refuses every truncation, and any bytes it cannot read, with a ProtocolError', () => {
      fc.assert(
        fc.property(values, fc.uint8Array({ maxLength: 60 }), (value, noise) => {
          const body = bodyOf(encode(value))
          for (let length = 0; length < body.length; length += 1) {
            expect(() => decode(body.subarray(0, length))).toThrow(ProtocolError)
          }
          try {
            decode(noise)
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError)
          }
        }),
        { numRuns: 30 },
      )
    })
  })
}

describe('TUNNEL_CREATE', () => {
  test('is byte for byte what FreeRDP sends for the token "ab"', () => {
    const packet = protocol.encodeTunnelCreate({ capsFlags: 0x0d, paaCookie: new Secret('ab') })
    expect(packet).toEqual(hex('04000000 18000000 0D000000 0100 0000 0600 6100 6200 0000'))
  })

  test('carries the cookie, with or without NUL, and the reauthentication context', () => {
    const withNul = hex('0D000000 0100 0000 0600 610062000000')
    const without = hex('0D000000 0100 0000 0400 61006200')
    for (const body of [withNul, without]) {
      expect(protocol.decodeTunnelCreate(body).paaCookie?.reveal()).toBe('ab')
    }
    const both = protocol.encodeTunnelCreate({
      capsFlags: 0,
      paaCookie: new Secret('ab'),
      reauthTunnelContext: 7n,
    })
    const decoded = protocol.decodeTunnelCreate(bodyOf(both))
    expect(decoded.paaCookie?.reveal()).toBe('ab')
    expect(decoded.reauthTunnelContext).toBe(7n)
    expect(protocol.decodeTunnelCreate(hex('00000000 0000 0000'))).toEqual({ capsFlags: 0 })
  })

  test('reads only the bytes that the length says', () => {
    const body = hex('00000000 0100 0000 0200 6100 6200')
    expect(protocol.decodeTunnelCreate(body).paaCookie?.reveal()).toBe('a')
  })

  test('refuses a cookie that is empty, odd, cut, with NULs, or with half a character', () => {
    for (const cookie of [
      '0000',
      '0200 0000',
      '0300 610062',
      '0800 6100',
      '0600 6100 0000 0000',
      '0600 6100 0000 6200',
      '0200 00D8',
      '0200 00DC',
    ]) {
      const body = hex(`00000000 0100 0000 ${cookie}`)
      expect(() => protocol.decodeTunnelCreate(body), cookie).toThrow(ProtocolError)
    }
  })
})

describe('CHANNEL_CREATE', () => {
  test('refuses counts out of their bounds', () => {
    for (const counts of ['00 00', '33 00', '01 04']) {
      const body = hex(`${counts} 3D0D 0300 ${'0200 6100'.repeat(60)}`)
      expect(() => protocol.decodeChannelCreate(body), counts).toThrow(ProtocolError)
    }
  })
})

describe('DATA', () => {
  test('gives exactly the payload and ignores what stands behind it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (data) => {
        const packet = protocol.encodeData(data)
        expect(packet.length).toBe(protocol.DATA_HEADER_BYTES + data.length)
        expect(Buffer.from(protocol.decodeData(bodyOf(packet)))).toEqual(Buffer.from(data))
        const longer = Buffer.concat([bodyOf(packet), Buffer.from('more')])
        expect(protocol.decodeData(longer)).toHaveLength(data.length)
        const inPlace = Buffer.alloc(packet.length)
        inPlace.set(data, protocol.DATA_HEADER_BYTES)
        protocol.writeDataHeader(inPlace, 0, data.length)
        expect(inPlace).toEqual(packet)
      }),
    )
  })

  test('refuses a length beyond the packet, takes zero, and never writes zero', () => {
    expect(() => protocol.decodeData(hex('0300 6162'))).toThrow(ProtocolError)
    expect(protocol.decodeData(hex('0000 6162'))).toHaveLength(0)
    expect(() => protocol.encodeData(new Uint8Array())).toThrow(RangeError)
  })
})

test('responses have the sizes clients count on', () => {
  const handshake = { errorCode: 0, verMajor: 1, verMinor: 0, serverVersion: 0, extendedAuth: 2 }
  expect(protocol.encodeHandshakeResponse(handshake)).toEqual(
    hex('02000000 12000000 00000000 01 00 0000 0200'),
  )
  expect(
    protocol.encodeTunnelResponse({ serverVersion: 0, statusCode: 0, tunnelId: 1, capsFlags: 0 }),
  ).toHaveLength(26)
  expect(protocol.encodeTunnelResponse({ serverVersion: 0, statusCode: 0x8007_59f8 })).toHaveLength(
    18,
  )
  expect(
    protocol.encodeTunnelAuthResponse({ errorCode: 0, redirFlags: 0, idleTimeoutMinutes: 0 }),
  ).toHaveLength(24)
  expect(protocol.encodeChannelResponse({ errorCode: 0, channelId: 1 })).toHaveLength(20)
  expect(protocol.encodeCloseChannel(0)).toHaveLength(12)
  expect(protocol.encodeKeepAlive()).toEqual(hex('0D000000 08000000'))
})
