import { Reader } from '../cursor.ts'
import { PacketType, packetWriter } from './packet.ts'

/** HTTP_HANDSHAKE_REQUEST_PACKET, [MS-TSGU] 2.2.10.10. */
export interface HandshakeRequest {
  verMajor: number
  verMinor: number
  clientVersion: number
  /** Flags of `ExtendedAuth`. */
  extendedAuth: number
}

const BODY_BYTES =
  1 /* verMajor */ + 1 /* verMinor */ + 2 /* clientVersion */ + 2 /* extendedAuth */

/** @throws ProtocolError `ERR_PACKET_TRUNCATED` */
export function decodeHandshakeRequest(body: Uint8Array): HandshakeRequest {
  const reader = new Reader('HANDSHAKE_REQUEST', body)
  return {
    verMajor: reader.u8('verMajor'),
    verMinor: reader.u8('verMinor'),
    clientVersion: reader.u16le('clientVersion'),
    extendedAuth: reader.u16le('extendedAuth'),
  }
}

export function encodeHandshakeRequest(request: HandshakeRequest): Buffer {
  return packetWriter(PacketType.handshakeRequest, BODY_BYTES)
    .u8(request.verMajor)
    .u8(request.verMinor)
    .u16le(request.clientVersion)
    .u16le(request.extendedAuth)
    .finish()
}

/** HTTP_HANDSHAKE_RESPONSE_PACKET, [MS-TSGU] 2.2.10.11. */
export interface HandshakeResponse {
  /** HRESULT; 0 is success. */
  errorCode: number
  verMajor: number
  verMinor: number
  /** 0, or IronRDP ends the connection. */
  serverVersion: number
  /** Accepted flags of `ExtendedAuth`; IronRDP refuses any that it did not ask for. */
  extendedAuth: number
}

/** @throws ProtocolError `ERR_PACKET_TRUNCATED` */
export function decodeHandshakeResponse(body: Uint8Array): HandshakeResponse {
  const reader = new Reader('HANDSHAKE_RESPONSE', body)
  return {
    errorCode: reader.u32le('errorCode'),
    verMajor: reader.u8('verMajor'),
    verMinor: reader.u8('verMinor'),
    serverVersion: reader.u16le('serverVersion'),
    extendedAuth: reader.u16le('extendedAuth'),
  }
}

export function encodeHandshakeResponse(response: HandshakeResponse): Buffer {
  return packetWriter(PacketType.handshakeResponse, 4 /* errorCode */ + BODY_BYTES)
    .u32le(response.errorCode)
    .u8(response.verMajor)
    .u8(response.verMinor)
    .u16le(response.serverVersion)
    .u16le(response.extendedAuth)
    .finish()
}

/** HTTP_EXTENDED_AUTH_PACKET, [MS-TSGU] 2.2.10.7: only for NTLM; a PAA server answers it with an error. */
export interface ExtendedAuthMessage {
  /** HRESULT; 0 while it goes on. */
  errorCode: number
  authBlob: Uint8Array
}

/** @throws ProtocolError `ERR_PACKET_TRUNCATED` */
export function decodeExtendedAuth(body: Uint8Array): ExtendedAuthMessage {
  const reader = new Reader('EXTENDED_AUTH', body)
  const errorCode = reader.u32le('errorCode')
  return { errorCode, authBlob: reader.bytes('authBlob', reader.u16le('cbBlobLen')) }
}

export function encodeExtendedAuth({ errorCode, authBlob }: ExtendedAuthMessage): Buffer {
  const bodyBytes = 4 /* errorCode */ + 2 /* cbBlobLen */ + authBlob.length
  return packetWriter(PacketType.extendedAuth, bodyBytes)
    .u32le(errorCode)
    .u16le(authBlob.length)
    .bytes(authBlob)
    .finish()
}
