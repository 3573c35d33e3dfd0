import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Secret } from '../../../src/lib/index.ts'
import {
  describePacket,
  encodeChannelCreate,
  encodeCloseChannel,
  encodeData,
  encodeHandshakeRequest,
  encodeKeepAlive,
  encodePreconnectionBlob,
  encodeServiceMessage,
  encodeTunnelAuthResponse,
  encodeTunnelCreate,
  type Packet,
  PacketFramer,
  PacketType,
} from '../../../src/protocol/index.ts'

function describe(bytes: Uint8Array): string[] {
  return [...new PacketFramer().push(bytes)].map(describePacket)
}

test.each([
  [
    encodeHandshakeRequest({ verMajor: 1, verMinor: 0, clientVersion: 0, extendedAuth: 2 }),
    'HANDSHAKE_REQUEST 14 bytes verMajor=1 verMinor=0 clientVersion=0 extendedAuth=0x2',
  ],
  [
    encodeTunnelAuthResponse({ errorCode: 0x8007_59f8, redirFlags: 0x1f }),
    'TUNNEL_AUTH_RESPONSE 20 bytes errorCode=0x800759F8 (E_PROXY_COOKIE_AUTHENTICATION_ACCESS_DENIED) redirFlags=0x1f',
  ],
  [
    encodeChannelCreate({ resources: ['hv1\n'], altResources: [], port: 3389, protocol: 3 }),
    'CHANNEL_CREATE 26 bytes resources=["hv1\\n"] altResources=[] port=3389 protocol=3',
  ],
  [encodeServiceMessage('Hello'), 'SERVICE_MESSAGE 22 bytes message="Hello"'],
  [encodeCloseChannel(0), 'CLOSE_CHANNEL 12 bytes statusCode=0x00000000'],
  [encodeKeepAlive(), 'KEEPALIVE 8 bytes'],
])('says what is in a packet, in one line', (bytes, text) => {
  expect(describe(bytes)).toEqual([text])
})

test('never says a token: neither that of the cookie nor one in a preconnection blob', () => {
  const paaCookie = new Secret('eyJ.token.text')
  expect(describe(encodeTunnelCreate({ capsFlags: 0x0a, paaCookie }))).toEqual([
    'TUNNEL_CREATE 48 bytes capsFlags=0xa paaCookie=[secret] (14 characters)',
  ])
  const blob = encodePreconnectionBlob({ version: 2, id: 0, text: 'GUID;Token=eyJ.token.text' })
  expect(describe(encodeData(blob))).toEqual([
    `DATA ${blob.length + 10} bytes payloadBytes=${blob.length} looksLike="preconnection"`,
  ])
})

test('says so when a packet cannot be read', () => {
  const body = new Uint8Array(3)
  expect(describePacket({ type: PacketType.tunnelCreate, body })).toMatch(
    /^TUNNEL_CREATE 11 bytes, unreadable: TUNNEL_CREATE\.capsFlags: /,
  )
})

test('has one line for whatever a peer sends', () => {
  const types = fc.constantFrom(...Object.values(PacketType))
  const packets: fc.Arbitrary<Packet> = fc.record({ type: types, body: fc.uint8Array() })
  fc.assert(
    fc.property(packets, (packet) => {
      expect(describePacket(packet)).toMatch(/^[A-Z_]+ \d+ bytes[^\n\r]*$/)
    }),
  )
})
