/**
 * Pure wire codecs: bytes in, values out, and back. No sockets, no files, no clock; a decoder returns a
 * value, says "need more", or throws `ProtocolError`. Start reading at `cursor.ts`, then the protocol you
 * came for.
 */
export { Reader, Writer } from './cursor.ts'
export {
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
} from './x224.ts'
