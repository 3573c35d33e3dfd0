/**
 * Pure wire codecs: bytes in, values out, and back. No sockets, no files, no clock; a decoder returns a
 * value, says "need more", or throws `ProtocolError`. Start reading at `cursor.ts`, then the protocol you
 * came for.
 */
export { ChunkedDecoder, encodeChunk, MAX_CHUNK_BYTES } from './chunked.ts'
export { decodeGrantNotice, encodeGrantNotice, type GrantNotice } from './console-fields.ts'
export { Reader, Writer } from './cursor.ts'
export { classifyFirstBytes, type FirstBytesKind } from './first-bytes.ts'
export { HeadBuffer, type ReceivedHead } from './head-buffer.ts'
export {
  HeaderFields,
  MAX_HEAD_BYTES,
  type Parsed,
  parseRequestHead,
  parseResponseHead,
  type RequestHead,
  type ResponseHead,
  renderHead,
} from './http1.ts'
export {
  decodePreconnectionBlob,
  encodePreconnectionBlob,
  MAX_PRECONNECTION_BYTES,
  type PreconnectionBlob,
} from './preconnection.ts'
export {
  decodeProxyFields,
  decodeProxyV2,
  encodeProxyV2,
  MAX_PROXY_HEADER_BYTES,
  type ProxiedConnection,
  type ProxyEnd,
  type ProxyFields,
  type ProxyHeader,
} from './proxy-v2.ts'
export * from './tsgu/index.ts'
export { applyMask, MASK_BYTES } from './websocket-mask.ts'
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
