import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BrokerError } from '../../src/lib/index.ts'
import {
  type ConnectionConfirm,
  type ConnectionRequest,
  decodeConnectionConfirm,
  decodeConnectionRequest,
  decodeDataTpdu,
  EXTENDED_CLIENT_DATA_SUPPORTED,
  encodeConnectionConfirm,
  encodeConnectionRequest,
  encodeDataTpdu,
  NegotiationFailureCode,
  SecurityProtocol,
  tpktLength,
} from '../../src/protocol/x224.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')

/** FreeRDP 2.11 with /sec:tls and user name `u`. */
const freerdpRequest = hex(
  '03 00 00 27 22 e0 00 00 00 00 00 43 6f 6f 6b 69 65 3a 20 6d 73 74 73 68 61 73 68 3d 75 0d 0a 01 00 08 00 01 00 00 00',
)

const requests: fc.Arbitrary<ConnectionRequest> = fc
  .record({
    cookie: fc.option(fc.stringMatching(/^[A-Za-z0-9=: ]{0,80}$/)),
    negotiation: fc.option(
      fc.record({ flags: fc.constantFrom(0, 1, 2, 3), requestedProtocols: fc.nat(0xffff_ffff) }),
    ),
    correlationId: fc.option(fc.uint8Array({ minLength: 16, maxLength: 16 })),
  })
  .map(({ cookie, negotiation, correlationId }) => ({
    ...(cookie === null ? {} : { cookie: `Cookie: ${cookie}` }),
    ...(negotiation === null ? {} : { negotiation }),
    ...(negotiation === null || correlationId === null ? {} : { correlationId }),
  }))

const confirms: fc.Arbitrary<ConnectionConfirm> = fc.oneof(
  fc.record({
    kind: fc.constant('selected' as const),
    flags: fc.nat(255),
    selectedProtocol: fc.nat(0xffff_ffff),
  }),
  fc.record({ kind: fc.constant('failure' as const), failureCode: fc.nat(0xffff_ffff) }),
  fc.constant({ kind: 'plain' as const }),
)

test('reads the request of FreeRDP', () => {
  expect(decodeConnectionRequest(freerdpRequest)).toEqual({
    cookie: 'Cookie: mstshash=u',
    negotiation: { flags: 0, requestedProtocols: SecurityProtocol.ssl },
  })
})

test('writes the request of FreeRDP', () => {
  const request: ConnectionRequest = {
    cookie: 'Cookie: mstshash=u',
    negotiation: { flags: 0, requestedProtocols: SecurityProtocol.ssl },
  }
  expect(encodeConnectionRequest(request)).toEqual(freerdpRequest)
})

test('writes the 19-byte confirm that clients were measured with', () => {
  const confirm = encodeConnectionConfirm({
    kind: 'selected',
    flags: EXTENDED_CLIENT_DATA_SUPPORTED,
    selectedProtocol: SecurityProtocol.ssl,
  })
  expect(confirm).toEqual(hex('03 00 00 13 0e d0 00 00 12 34 00 02 01 08 00 01 00 00 00'))
})

test('writes the failure that asks for TLS', () => {
  const failureCode = NegotiationFailureCode.sslRequiredByServer
  expect(encodeConnectionConfirm({ kind: 'failure', failureCode })).toEqual(
    hex('03 00 00 13 0e d0 00 00 12 34 00 03 00 08 00 01 00 00 00'),
  )
})

test('a confirm without negotiation data is a plain one', () => {
  expect(decodeConnectionConfirm(hex('03 00 00 0b 06 d0 00 00 12 34 00'))).toEqual({
    kind: 'plain',
  })
})

test('requests come back as they were written', () => {
  fc.assert(
    fc.property(requests, (request) => {
      const decoded = decodeConnectionRequest(encodeConnectionRequest(request))
      expect(decoded.cookie).toBe(request.cookie)
      expect(decoded.negotiation).toEqual(request.negotiation)
      expect(Buffer.from(decoded.correlationId ?? [])).toEqual(
        Buffer.from(request.correlationId ?? []),
      )
    }),
  )
})

test('confirms come back as they were written', () => {
  fc.assert(
    fc.property(confirms, (confirm) => {
      expect(decodeConnectionConfirm(encodeConnectionConfirm(confirm))).toEqual(confirm)
    }),
  )
})

test('data comes back as it was written', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (payload) => {
      const packet = encodeDataTpdu(payload)
      expect(tpktLength(packet, 4096)).toBe(packet.length)
      expect(Buffer.from(decodeDataTpdu(packet))).toEqual(Buffer.from(payload))
    }),
  )
})

test('a request that does not fit its length indicator is our own mistake', () => {
  expect(() => encodeConnectionRequest({ cookie: 'x'.repeat(300) })).toThrow(RangeError)
})

test('waits for the four header bytes, then knows the length', () => {
  expect(tpktLength(freerdpRequest.subarray(0, 3), 1024)).toBeUndefined()
  expect(tpktLength(freerdpRequest.subarray(0, 4), 1024)).toBe(freerdpRequest.length)
})

test.each([
  ['an HTTP request', hex('47 45 54 20'), 'ERR_PACKET_MALFORMED'],
  ['one byte of a TLS hello', hex('16'), 'ERR_PACKET_MALFORMED'],
  ['length 0', hex('03 00 00 00'), 'ERR_PACKET_MALFORMED'],
  ['length 6', hex('03 00 00 06'), 'ERR_PACKET_MALFORMED'],
  ['a length over the limit', hex('03 00 04 01'), 'ERR_PACKET_TOO_LARGE'],
])('refuses %s as a TPKT', (_, bytes, code) => {
  expect(() => tpktLength(bytes, 1024)).toThrow(expect.objectContaining({ code }))
})

test.each([
  ['a confirm', '03 00 00 0b 06 d0 00 00 12 34 00'],
  ['a length indicator that is too short', '03 00 00 0b 05 e0 00 00 00 00 00'],
  ['a cookie without an end', '03 00 00 0f 0a e0 00 00 00 00 00 43 6f 6f 6b'],
  ['a negotiation of wrong length', '03 00 00 13 0e e0 00 00 00 00 00 01 00 09 00 01 00 00 00'],
  ['bytes after the negotiation', '03 00 00 14 0f e0 00 00 00 00 00 01 00 08 00 01 00 00 00 00'],
  ['announced but missing correlation', '03 00 00 13 0e e0 00 00 00 00 00 01 08 08 00 01 00 00 00'],
  ['bytes after the packet', '03 00 00 0b 06 e0 00 00 00 00 00 00'],
])('refuses %s as a request', (_, text) => {
  expect(() => decodeConnectionRequest(hex(text))).toThrow(
    expect.objectContaining({ name: 'ProtocolError' }),
  )
})

test('every truncation of a request is refused as malformed bytes', () => {
  for (let length = 0; length < freerdpRequest.length; length += 1) {
    expect(() => decodeConnectionRequest(freerdpRequest.subarray(0, length))).toThrow(BrokerError)
  }
})

test('random bytes give a value or a ProtocolError, never anything else', () => {
  const bodies = fc.uint8Array({ maxLength: 60 })
  fc.assert(
    fc.property(bodies, fc.constantFrom(0xe0, 0xd0, 0xf0), (body, code) => {
      const packet = Buffer.concat([
        Buffer.from([3, 0, 0, 6 + body.length, 1 + body.length, code]),
        body,
      ])
      for (const decode of [decodeConnectionRequest, decodeConnectionConfirm, decodeDataTpdu]) {
        try {
          decode(packet)
        } catch (error) {
          expect(error).toHaveProperty('name', 'ProtocolError')
        }
      }
    }),
  )
})
