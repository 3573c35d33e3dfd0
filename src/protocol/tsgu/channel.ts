import { Reader } from '../cursor.ts'
import { decodeUtf16, encodeUtf16 } from '../utf16.ts'
import { PacketType, packetWriter } from './packet.ts'

/** Bounds of [MS-TSGU] 2.2.10.2. */
const MAX_RESOURCES = 50
const MAX_ALT_RESOURCES = 3
/** The only value of `protocol`. */
export const CHANNEL_PROTOCOL = 3

/** HTTP_CHANNEL_PACKET with its names, [MS-TSGU] 2.2.10.2 and .3: the client asks for one target. */
export interface ChannelCreate {
  /** Names of the one target, 1 to 50, as the client wrote them; FreeRDP sends one. */
  resources: string[]
  /** Further names, at most 3. */
  altResources: string[]
  port: number
  protocol: number
}

/** @throws ProtocolError `ERR_PACKET_TRUNCATED`, `ERR_PACKET_MALFORMED` */
export function decodeChannelCreate(body: Uint8Array): ChannelCreate {
  const reader = new Reader('CHANNEL_CREATE', body)
  const numResources = reader.u8('numResources')
  const numAltResources = reader.u8('numAltResources')
  const port = reader.u16le('port')
  const protocol = reader.u16le('protocol')
  if (numResources < 1 || numResources > MAX_RESOURCES) {
    throw reader.malformed('numResources', `${numResources}, need 1 to ${MAX_RESOURCES}`)
  }
  if (numAltResources > MAX_ALT_RESOURCES) {
    throw reader.malformed('numAltResources', `${numAltResources}, at most ${MAX_ALT_RESOURCES}`)
  }
  const readName = (): string => decodeUtf16(reader, 'resource', reader.u16le('resourceLen'))
  return {
    resources: Array.from({ length: numResources }, readName),
    altResources: Array.from({ length: numAltResources }, readName),
    port,
    protocol,
  }
}

export function encodeChannelCreate(packet: ChannelCreate): Buffer {
  const names = [...packet.resources, ...packet.altResources].map(encodeUtf16)
  const namesBytes = names.reduce((sum, name) => sum + 2 /* resourceLen */ + name.length, 0)
  const writer = packetWriter(
    PacketType.channelCreate,
    1 /* numResources */ + 1 /* numAltResources */ + 2 /* port */ + 2 /* protocol */ + namesBytes,
  )
    .u8(packet.resources.length)
    .u8(packet.altResources.length)
    .u16le(packet.port)
    .u16le(packet.protocol)
  for (const name of names) writer.u16le(name.length).bytes(name)
  return writer.finish()
}

/** HTTP_CHANNEL_RESPONSE_FIELDS_PRESENT_FLAGS, [MS-TSGU] 2.2.5.3.1. */
const ChannelField = { channelId: 0x1, authnCookie: 0x2, udpPort: 0x4 } as const

/** HTTP_CHANNEL_RESPONSE with its optional part, [MS-TSGU] 2.2.10.4 and .5. UDP's fields are never sent. */
export interface ChannelResponse {
  /** HRESULT; 0 is success. */
  errorCode: number
  /** 1 or more on success: Windows clients need it. */
  channelId?: number
}

/** @throws ProtocolError `ERR_PACKET_TRUNCATED` */
export function decodeChannelResponse(body: Uint8Array): ChannelResponse {
  const reader = new Reader('CHANNEL_RESPONSE', body)
  const errorCode = reader.u32le('errorCode')
  const fieldsPresent = reader.u16le('fieldsPresent')
  reader.skip('reserved', 2)
  if ((fieldsPresent & ChannelField.channelId) === 0) return { errorCode }
  return { errorCode, channelId: reader.u32le('channelId') }
}

export function encodeChannelResponse({ errorCode, channelId }: ChannelResponse): Buffer {
  const writer = packetWriter(
    PacketType.channelResponse,
    4 /* errorCode */ +
      2 /* fieldsPresent */ +
      2 /* reserved */ +
      (channelId === undefined ? 0 : 4),
  )
    .u32le(errorCode)
    .u16le(channelId === undefined ? 0 : ChannelField.channelId)
    .u16le(0)
  if (channelId !== undefined) writer.u32le(channelId)
  return writer.finish()
}

/** HTTP_CLOSE_PACKET, [MS-TSGU] 2.2.10.23. @returns its status code. @throws ProtocolError `ERR_PACKET_TRUNCATED` */
export function decodeClose(body: Uint8Array): number {
  return new Reader('CLOSE_CHANNEL', body).u32le('statusCode')
}

export function encodeCloseChannel(statusCode: number): Buffer {
  return packetWriter(PacketType.closeChannel, 4 /* statusCode */).u32le(statusCode).finish()
}

export function encodeCloseChannelResponse(statusCode: number): Buffer {
  return packetWriter(PacketType.closeChannelResponse, 4 /* statusCode */)
    .u32le(statusCode)
    .finish()
}
