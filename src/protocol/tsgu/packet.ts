import { Writer } from '../cursor.ts'

/** HTTP_PACKET_TYPE, [MS-TSGU] 2.2.5.3.5 (identifiers PKT_TYPE_…). */
export const PacketType = {
  handshakeRequest: 0x01,
  handshakeResponse: 0x02,
  extendedAuth: 0x03,
  tunnelCreate: 0x04,
  tunnelResponse: 0x05,
  tunnelAuth: 0x06,
  tunnelAuthResponse: 0x07,
  channelCreate: 0x08,
  channelResponse: 0x09,
  data: 0x0a,
  serviceMessage: 0x0b,
  reauth: 0x0c,
  keepAlive: 0x0d,
  closeChannel: 0x10,
  closeChannelResponse: 0x11,
} as const
export type PacketType = (typeof PacketType)[keyof typeof PacketType]

/** HTTP_PACKET_HEADER, [MS-TSGU] 2.2.10.9. */
export const HEADER_BYTES = 2 /* packetType */ + 2 /* reserved */ + 4 /* packetLength */

const U16_MAX = 0xffff
/** HTTP_DATA_PACKET with the longest payload its 16-bit length can say. */
export const MAX_DATA_PACKET_BYTES = HEADER_BYTES + 2 /* cbDataLen */ + U16_MAX

/** One packet, cut from the stream. */
export interface Packet {
  type: PacketType
  /** What follows the 8-byte header; a view, valid until the next bytes are pushed. */
  body: Uint8Array
}

/**
 * Largest packetLength by type. A fixed packet may carry a little more, which is ignored (rdpgw closes with
 * 20 bytes); names and cookies are held to what their fields can say, and to policy by their readers, so
 * that an over-long cookie still gets its own answer.
 */
export const MAX_PACKET_BYTES: Record<PacketType, number> = {
  [PacketType.handshakeRequest]: 64,
  [PacketType.handshakeResponse]: 64,
  [PacketType.extendedAuth]: HEADER_BYTES + 4 + 2 + U16_MAX,
  [PacketType.tunnelCreate]: HEADER_BYTES + 8 + 8 + 2 + U16_MAX,
  [PacketType.tunnelResponse]: 65_536,
  [PacketType.tunnelAuth]: 4 * 1024,
  [PacketType.tunnelAuthResponse]: 4 * 1024,
  [PacketType.channelCreate]: 16 * 1024,
  [PacketType.channelResponse]: 4 * 1024,
  [PacketType.data]: MAX_DATA_PACKET_BYTES,
  [PacketType.serviceMessage]: MAX_DATA_PACKET_BYTES,
  [PacketType.reauth]: 64,
  [PacketType.keepAlive]: 64,
  [PacketType.closeChannel]: 64,
  [PacketType.closeChannelResponse]: 64,
}

export function isPacketType(value: number): value is PacketType {
  return value in MAX_PACKET_BYTES
}

/** A writer with the header in it, for a body of exactly `bodyBytes`. */
export function packetWriter(type: PacketType, bodyBytes: number): Writer {
  const packetLength = HEADER_BYTES + bodyBytes
  return new Writer(packetLength).u16le(type).u16le(0).u32le(packetLength)
}
