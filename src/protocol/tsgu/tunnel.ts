import { Secret } from '../../lib/index.ts'
import { Reader } from '../cursor.ts'
import { decodeUtf16, encodeUtf16 } from '../utf16.ts'
import { PacketType, packetWriter } from './packet.ts'

/** HTTP_TUNNEL_PACKET_FIELDS_PRESENT_FLAGS, [MS-TSGU] 2.2.5.3.6. */
const TunnelField = { paaCookie: 0x1, reauth: 0x2 } as const

/** HTTP_TUNNEL_PACKET with its optional part, [MS-TSGU] 2.2.10.18 and .19: the client asks for a tunnel. */
export interface TunnelCreate {
  /** What the client can do: flags of `Capability`. */
  capsFlags: number
  /** The gateway token; absent when the packet has no cookie field. */
  paaCookie?: Secret
  /** Absent unless the client comes back for a reauthentication. */
  reauthTunnelContext?: bigint
}

/**
 * @param body bytes after the 8-byte packet header
 * @throws ProtocolError `ERR_PACKET_TRUNCATED`, `ERR_PACKET_MALFORMED` (cookie empty, of odd length, not
 *   UTF-16LE, or with a NUL inside)
 */
export function decodeTunnelCreate(body: Uint8Array): TunnelCreate {
  const reader = new Reader('TUNNEL_CREATE', body)
  const capsFlags = reader.u32le('capsFlags')
  const fieldsPresent = reader.u16le('fieldsPresent')
  reader.skip('reserved', 2)
  const packet: TunnelCreate = { capsFlags }
  if ((fieldsPresent & TunnelField.reauth) !== 0) {
    packet.reauthTunnelContext = reader.u64le('reauthTunnelContext')
  }
  if ((fieldsPresent & TunnelField.paaCookie) !== 0) {
    const text = decodeUtf16(reader, 'paaCookie', reader.u16le('cookieLen'))
    if (text === '') throw reader.malformed('paaCookie', 'empty')
    packet.paaCookie = new Secret(text)
  }
  return packet
}

export function encodeTunnelCreate(packet: TunnelCreate): Buffer {
  const { capsFlags, paaCookie, reauthTunnelContext } = packet
  const cookie = paaCookie === undefined ? undefined : encodeUtf16(paaCookie.reveal())
  const writer = packetWriter(
    PacketType.tunnelCreate,
    4 /* capsFlags */ +
      2 /* fieldsPresent */ +
      2 /* reserved */ +
      (reauthTunnelContext === undefined ? 0 : 8) +
      (cookie === undefined ? 0 : 2 /* cookieLen */ + cookie.length),
  )
    .u32le(capsFlags)
    .u16le(
      (cookie === undefined ? 0 : TunnelField.paaCookie) |
        (reauthTunnelContext === undefined ? 0 : TunnelField.reauth),
    )
    .u16le(0)
  if (reauthTunnelContext !== undefined) writer.u64le(reauthTunnelContext)
  if (cookie !== undefined) writer.u16le(cookie.length).bytes(cookie)
  return writer.finish()
}

/** HTTP_TUNNEL_RESPONSE_FIELDS_PRESENT_FLAGS, [MS-TSGU] 2.2.5.3.8. */
const ResponseField = { tunnelId: 0x1, caps: 0x2, sohRequest: 0x4, consentMsg: 0x10 } as const

/**
 * HTTP_TUNNEL_RESPONSE with its optional part, [MS-TSGU] 2.2.10.20 and .21. The nonce and certificate for
 * statements of health are never sent: FreeRDP and IronRDP misread their length.
 */
export interface TunnelResponse {
  serverVersion: number
  /** HRESULT; 0 is success. */
  statusCode: number
  tunnelId?: number
  /** What both sides can do: flags of `Capability`. */
  capsFlags?: number
  /** Only for a client that has announced `messagingConsentSign`. */
  consentMsg?: string
}

/** @throws ProtocolError `ERR_PACKET_TRUNCATED`, `ERR_PACKET_MALFORMED` */
export function decodeTunnelResponse(body: Uint8Array): TunnelResponse {
  const reader = new Reader('TUNNEL_RESPONSE', body)
  const serverVersion = reader.u16le('serverVersion')
  const statusCode = reader.u32le('statusCode')
  const fieldsPresent = reader.u16le('fieldsPresent')
  reader.skip('reserved', 2)
  const packet: TunnelResponse = { serverVersion, statusCode }
  if ((fieldsPresent & ResponseField.tunnelId) !== 0) packet.tunnelId = reader.u32le('tunnelId')
  if ((fieldsPresent & ResponseField.caps) !== 0) packet.capsFlags = reader.u32le('capsFlags')
  if ((fieldsPresent & ResponseField.sohRequest) !== 0) {
    reader.skip('nonce', 16)
    reader.skip('serverCert', reader.u16le('serverCertLen'))
  }
  if ((fieldsPresent & ResponseField.consentMsg) !== 0) {
    packet.consentMsg = decodeUtf16(reader, 'consentMsg', reader.u16le('consentMsgLen'))
  }
  return packet
}

export function encodeTunnelResponse(packet: TunnelResponse): Buffer {
  const { serverVersion, statusCode, tunnelId, capsFlags, consentMsg } = packet
  const consent = consentMsg === undefined ? undefined : encodeUtf16(consentMsg)
  const writer = packetWriter(
    PacketType.tunnelResponse,
    2 /* serverVersion */ +
      4 /* statusCode */ +
      2 /* fieldsPresent */ +
      2 /* reserved */ +
      (tunnelId === undefined ? 0 : 4) +
      (capsFlags === undefined ? 0 : 4) +
      (consent === undefined ? 0 : 2 /* length */ + consent.length),
  )
    .u16le(serverVersion)
    .u32le(statusCode)
    .u16le(
      (tunnelId === undefined ? 0 : ResponseField.tunnelId) |
        (capsFlags === undefined ? 0 : ResponseField.caps) |
        (consent === undefined ? 0 : ResponseField.consentMsg),
    )
    .u16le(0)
  if (tunnelId !== undefined) writer.u32le(tunnelId)
  if (capsFlags !== undefined) writer.u32le(capsFlags)
  if (consent !== undefined) writer.u16le(consent.length).bytes(consent)
  return writer.finish()
}
