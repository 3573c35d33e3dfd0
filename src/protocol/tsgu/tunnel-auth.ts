import { Reader } from '../cursor.ts'
import { decodeUtf16, encodeUtf16 } from '../utf16.ts'
import { PacketType, packetWriter } from './packet.ts'

/** HTTP_TUNNEL_AUTH_PACKET, [MS-TSGU] 2.2.10.14; a statement of health behind it is ignored, as NAP is dead. */
export interface TunnelAuth {
  /** The client computer's own name for itself: for the log, never for a decision. */
  clientName: string
}

/** @throws ProtocolError `ERR_PACKET_TRUNCATED`, `ERR_PACKET_MALFORMED` */
export function decodeTunnelAuth(body: Uint8Array): TunnelAuth {
  const reader = new Reader('TUNNEL_AUTH', body)
  reader.skip('fieldsPresent', 2)
  return { clientName: decodeUtf16(reader, 'clientName', reader.u16le('clientNameLen')) }
}

export function encodeTunnelAuth({ clientName }: TunnelAuth): Buffer {
  const name = encodeUtf16(clientName)
  const bodyBytes = 2 /* fieldsPresent */ + 2 /* clientNameLen */ + name.length
  return packetWriter(PacketType.tunnelAuth, bodyBytes)
    .u16le(0)
    .u16le(name.length)
    .bytes(name)
    .finish()
}

/** HTTP_TUNNEL_AUTH_RESPONSE_FIELDS_PRESENT_FLAGS, [MS-TSGU] 2.2.5.3.3. */
const AuthField = { redirFlags: 0x1, idleTimeout: 0x2 } as const

/** HTTP_TUNNEL_AUTH_RESPONSE with its optional part, [MS-TSGU] 2.2.10.16 and .17. */
export interface TunnelAuthResponse {
  /**
   * HRESULT; 0 is success. A refusal must have bit 31 set and must not be 0x800759ED: FreeRDP takes those for
   * success.
   */
  errorCode: number
  /** Flags of `RedirFlag`; 0 switches nothing off. */
  redirFlags?: number
  /** Minutes; 0 is no limit. */
  idleTimeoutMinutes?: number
}

/** @throws ProtocolError `ERR_PACKET_TRUNCATED` */
export function decodeTunnelAuthResponse(body: Uint8Array): TunnelAuthResponse {
  const reader = new Reader('TUNNEL_AUTH_RESPONSE', body)
  const errorCode = reader.u32le('errorCode')
  const fieldsPresent = reader.u16le('fieldsPresent')
  reader.skip('reserved', 2)
  const packet: TunnelAuthResponse = { errorCode }
  if ((fieldsPresent & AuthField.redirFlags) !== 0) packet.redirFlags = reader.u32le('redirFlags')
  if ((fieldsPresent & AuthField.idleTimeout) !== 0) {
    packet.idleTimeoutMinutes = reader.u32le('idleTimeout')
  }
  return packet
}

export function encodeTunnelAuthResponse(packet: TunnelAuthResponse): Buffer {
  const { errorCode, redirFlags, idleTimeoutMinutes } = packet
  const writer = packetWriter(
    PacketType.tunnelAuthResponse,
    4 /* errorCode */ +
      2 /* fieldsPresent */ +
      2 /* reserved */ +
      (redirFlags === undefined ? 0 : 4) +
      (idleTimeoutMinutes === undefined ? 0 : 4),
  )
    .u32le(errorCode)
    .u16le(
      (redirFlags === undefined ? 0 : AuthField.redirFlags) |
        (idleTimeoutMinutes === undefined ? 0 : AuthField.idleTimeout),
    )
    .u16le(0)
  if (redirFlags !== undefined) writer.u32le(redirFlags)
  if (idleTimeoutMinutes !== undefined) writer.u32le(idleTimeoutMinutes)
  return writer.finish()
}
