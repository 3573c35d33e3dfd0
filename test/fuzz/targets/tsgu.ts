import { ProtocolError } from '../../../src/lib/index.ts'
import * as tsgu from '../../../src/protocol/index.ts'
import type { FuzzTarget } from '../target.ts'

const HEADER_BYTES = tsgu.HEADER_BYTES

interface Codec<Value> {
  name: string
  covers: string
  decode(body: Uint8Array): Value
  /** The whole packet. */
  encode?(value: Value): Buffer
}

/** A packet's body in, plain data out; what has an encoder is encoded again. */
function packet<Value>({ name, covers, decode, encode }: Codec<Value>): FuzzTarget {
  return {
    kind: 'decoder',
    name,
    covers: [`protocol/tsgu/${covers}`],
    mayThrow: [ProtocolError],
    decode,
    ...(encode === undefined
      ? {}
      : // It is given back what `decode` gave.
        { encode: (value) => encode(value as Value).subarray(HEADER_BYTES) }),
  }
}

export const TSGU_TARGETS: readonly FuzzTarget[] = [
  {
    kind: 'stream',
    name: 'packets',
    covers: ['protocol/tsgu/framer.ts:PacketFramer'],
    mayThrow: [ProtocolError],
    maxBytes: 80_000,
    start() {
      const framer = new tsgu.PacketFramer()
      const packets: { type: number; body: string }[] = []
      return {
        push(piece) {
          for (const { type, body } of framer.push(piece)) {
            packets.push({ type, body: Buffer.from(body).toString('hex') })
          }
        },
        outcome: () => packets,
      }
    },
  },
  packet({
    name: 'handshake-request',
    covers: 'handshake.ts:decodeHandshakeRequest',
    decode: tsgu.decodeHandshakeRequest,
    encode: tsgu.encodeHandshakeRequest,
  }),
  packet({
    name: 'handshake-response',
    covers: 'handshake.ts:decodeHandshakeResponse',
    decode: tsgu.decodeHandshakeResponse,
    encode: tsgu.encodeHandshakeResponse,
  }),
  packet({
    name: 'extended-auth',
    covers: 'handshake.ts:decodeExtendedAuth',
    decode: (body) => {
      const { errorCode, authBlob } = tsgu.decodeExtendedAuth(body)
      return { errorCode, authBlob: Buffer.from(authBlob) }
    },
    encode: tsgu.encodeExtendedAuth,
  }),
  {
    kind: 'decoder',
    name: 'tunnel-create',
    covers: ['protocol/tsgu/tunnel.ts:decodeTunnelCreate', 'protocol/utf16.ts:decodeUtf16'],
    mayThrow: [ProtocolError],
    decode(body) {
      const { paaCookie, ...rest } = tsgu.decodeTunnelCreate(body)
      return { ...rest, cookie: paaCookie?.reveal() }
    },
  },
  packet({
    name: 'tunnel-response',
    covers: 'tunnel.ts:decodeTunnelResponse',
    decode: tsgu.decodeTunnelResponse,
    encode: tsgu.encodeTunnelResponse,
  }),
  packet({
    name: 'tunnel-auth',
    covers: 'tunnel-auth.ts:decodeTunnelAuth',
    decode: tsgu.decodeTunnelAuth,
    encode: tsgu.encodeTunnelAuth,
  }),
  packet({
    name: 'tunnel-auth-response',
    covers: 'tunnel-auth.ts:decodeTunnelAuthResponse',
    decode: tsgu.decodeTunnelAuthResponse,
    encode: tsgu.encodeTunnelAuthResponse,
  }),
  packet({
    name: 'channel-create',
    covers: 'channel.ts:decodeChannelCreate',
    decode: tsgu.decodeChannelCreate,
    encode: tsgu.encodeChannelCreate,
  }),
  packet({
    name: 'channel-response',
    covers: 'channel.ts:decodeChannelResponse',
    decode: tsgu.decodeChannelResponse,
    encode: tsgu.encodeChannelResponse,
  }),
  packet({
    name: 'close-channel',
    covers: 'channel.ts:decodeClose',
    decode: tsgu.decodeClose,
    encode: tsgu.encodeCloseChannel,
  }),
  packet({
    name: 'data',
    covers: 'data.ts:decodeData',
    decode: (body) => Buffer.from(tsgu.decodeData(body)),
  }),
  packet({
    name: 'service-message',
    covers: 'data.ts:decodeServiceMessage',
    decode: tsgu.decodeServiceMessage,
    encode: tsgu.encodeServiceMessage,
  }),
  packet({
    name: 'reauth',
    covers: 'data.ts:decodeReauth',
    decode: tsgu.decodeReauth,
    encode: tsgu.encodeReauth,
  }),
]
