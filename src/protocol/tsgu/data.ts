import { Reader, Writer } from '../cursor.ts'
import { decodeUtf16, encodeUtf16 } from '../utf16.ts'
import { HEADER_BYTES, PacketType, packetWriter } from './packet.ts'

/** Header of an HTTP_DATA_PACKET: what stands in front of its payload. */
export const DATA_HEADER_BYTES = HEADER_BYTES + 2 /* cbDataLen */
/** Longest payload of one DATA packet. */
export const MAX_DATA_BYTES = 0xffff

/**
 * HTTP_DATA_PACKET, [MS-TSGU] 2.2.10.6.
 *
 * @returns the payload, a view; bytes of the packet behind it are ignored
 * @throws ProtocolError `ERR_PACKET_TRUNCATED`
 */
export function decodeData(body: Uint8Array): Uint8Array {
  const reader = new Reader('DATA', body)
  return reader.bytes('data', reader.u16le('cbDataLen'))
}

/** @param data 1 to 65,535 bytes: FreeRDP may drop the connection over an empty packet */
export function encodeData(data: Uint8Array): Buffer {
  if (data.length === 0) throw new RangeError('DATA: no payload')
  return packetWriter(PacketType.data, 2 /* cbDataLen */ + data.length)
    .u16le(data.length)
    .bytes(data)
    .finish()
}

/** Writes the header of a DATA packet at `offset`, in front of `dataBytes` of payload that lie there already. */
export function writeDataHeader(buffer: Buffer, offset: number, dataBytes: number): void {
  buffer.writeUInt16LE(PacketType.data, offset)
  buffer.writeUInt16LE(0, offset + 2)
  buffer.writeUInt32LE(DATA_HEADER_BYTES + dataBytes, offset + 4)
  buffer.writeUInt16LE(dataBytes, offset + 8)
}

/** HTTP_KEEPALIVE_PACKET, [MS-TSGU] 2.2.10.8. Never an answer to another one: FreeRDP echoes it. */
export function encodeKeepAlive(): Buffer {
  return packetWriter(PacketType.keepAlive, 0).finish()
}

/** HTTP_SERVICE_MESSAGE, [MS-TSGU] 2.2.10.13; only to a client that has announced it. */
export function encodeServiceMessage(text: string): Buffer {
  const message = encodeUtf16(text)
  return packetWriter(PacketType.serviceMessage, 2 /* cbMessageLen */ + message.length)
    .u16le(message.length)
    .bytes(message)
    .finish()
}

/** @throws ProtocolError `ERR_PACKET_TRUNCATED`, `ERR_PACKET_MALFORMED` */
export function decodeServiceMessage(body: Uint8Array): string {
  const reader = new Reader('SERVICE_MESSAGE', body)
  return decodeUtf16(reader, 'message', reader.u16le('cbMessageLen'))
}

/** HTTP_REAUTH_MESSAGE, [MS-TSGU] 2.2.10.12. @throws ProtocolError `ERR_PACKET_TRUNCATED` */
export function decodeReauth(body: Uint8Array): bigint {
  return new Reader('REAUTH_MESSAGE', body).u64le('reauthTunnelContext')
}

/** Only to a client that has announced it. */
export function encodeReauth(reauthTunnelContext: bigint): Buffer {
  const body = new Writer(8).u64le(reauthTunnelContext).finish()
  return packetWriter(PacketType.reauth, body.length).bytes(body).finish()
}
