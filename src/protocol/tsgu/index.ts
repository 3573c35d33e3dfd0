/** The packets of [MS-TSGU] over HTTP: cut from a stream by the framer, then decoded by type. */
export {
  CHANNEL_PROTOCOL,
  type ChannelCreate,
  type ChannelResponse,
  decodeChannelCreate,
  decodeChannelResponse,
  decodeClose,
  encodeChannelCreate,
  encodeChannelResponse,
  encodeCloseChannel,
  encodeCloseChannelResponse,
} from './channel.ts'
export {
  DATA_HEADER_BYTES,
  decodeData,
  decodeReauth,
  decodeServiceMessage,
  encodeData,
  encodeKeepAlive,
  encodeReauth,
  encodeServiceMessage,
  MAX_DATA_BYTES,
  writeDataHeader,
} from './data.ts'
export { describePacket } from './describe.ts'
export { Capability, ExtendedAuth, RedirFlag } from './flags.ts'
export { PacketFramer } from './framer.ts'
export {
  decodeExtendedAuth,
  decodeHandshakeRequest,
  decodeHandshakeResponse,
  type ExtendedAuthMessage,
  encodeExtendedAuth,
  encodeHandshakeRequest,
  encodeHandshakeResponse,
  type HandshakeRequest,
  type HandshakeResponse,
} from './handshake.ts'
export {
  HEADER_BYTES,
  isPacketType,
  MAX_DATA_PACKET_BYTES,
  type Packet,
  PacketType,
} from './packet.ts'
export { formatStatus, Status, statusName } from './status.ts'
export {
  decodeTunnelCreate,
  decodeTunnelResponse,
  encodeTunnelCreate,
  encodeTunnelResponse,
  type TunnelCreate,
  type TunnelResponse,
} from './tunnel.ts'
export {
  decodeTunnelAuth,
  decodeTunnelAuthResponse,
  encodeTunnelAuth,
  encodeTunnelAuthResponse,
  type TunnelAuth,
  type TunnelAuthResponse,
} from './tunnel-auth.ts'
