import { ProtocolError } from '../lib/index.ts'
import {
  ExtendedAuth,
  encodeChannelResponse,
  encodeCloseChannelResponse,
  encodeExtendedAuth,
  encodeHandshakeResponse,
  encodeTunnelAuthResponse,
  encodeTunnelResponse,
  type Packet,
  PacketType,
  Status,
} from '../protocol/index.ts'

/**
 * The response that says no to a request, with just the fields a refusal may carry.
 *
 * @returns undefined for packets that have no response
 */
export function encodeRefusal(request: PacketType, status: number): Buffer | undefined {
  switch (request) {
    case PacketType.handshakeRequest:
      return encodeHandshakeResponse({
        errorCode: status,
        verMajor: 1,
        verMinor: 0,
        serverVersion: 0,
        extendedAuth: ExtendedAuth.none,
      })
    case PacketType.extendedAuth:
      // Part of NTLM only, which we don't speak: its place in the order is never right.
      return encodeExtendedAuth({
        errorCode: Status.unsupportedAuthentication,
        authBlob: new Uint8Array(),
      })
    case PacketType.tunnelCreate:
      return encodeTunnelResponse({ serverVersion: 0, statusCode: status })
    case PacketType.tunnelAuth:
      return encodeTunnelAuthResponse({ errorCode: status })
    case PacketType.channelCreate:
      return encodeChannelResponse({ errorCode: status })
    case PacketType.closeChannel:
      return encodeCloseChannelResponse(Status.ok)
    default:
      return undefined
  }
}

/** A packet whose turn it is not; the connection ends. */
export function outOfOrder({ type }: Packet, detail: string): ProtocolError {
  return new ProtocolError(
    'ERR_PACKET_UNEXPECTED',
    'HTTP_PACKET',
    'packetType',
    `type ${type} is out of order: ${detail}`,
  )
}
