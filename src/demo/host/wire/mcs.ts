import { Reader, Writer } from '../../../protocol/index.ts'
import { encodePerLength, readPerLength } from './asn1.ts'

/**
 * MCS domain messages after the connect, T.125 section 7 parts 3 to 10 in aligned PER: attach, join,
 * data, disconnect. User and channel ids are the real ones (1001 and up); the wire's offset stays here.
 */

/** The host's own id, the source of everything it says. */
export const SERVER_CHANNEL = 1002
/** Where RDP itself is spoken. */
export const IO_CHANNEL = 1003
/** Ids from here on belong to static channels, the message channel and the user. */
export const FIRST_FREE_CHANNEL = 1004

const USER_ID_BASE = 1001

/** Disconnect Provider Ultimatum reasons, T.125 section 7 part 4. */
export const DisconnectReason = { providerInitiated: 1, userRequested: 3 } as const
export type DisconnectReason = (typeof DisconnectReason)[keyof typeof DisconnectReason]

export type DomainPdu =
  | { kind: 'erectDomain' }
  | { kind: 'attachUser' }
  | { kind: 'channelJoin'; user: number; channel: number }
  | { kind: 'data'; channel: number; data: Uint8Array }
  | { kind: 'disconnect' }

/** First bytes: the PER choice index in the upper six bits; the lower two belong to what follows. */
const ERECT_DOMAIN = 0x04
const DISCONNECT_ULTIMATUM = 0x20
const ATTACH_USER_REQUEST = 0x28
const ATTACH_USER_CONFIRM = 0x2e
const CHANNEL_JOIN_REQUEST = 0x38
const CHANNEL_JOIN_CONFIRM = 0x3e
const CHANNEL_JOIN_REFUSED = Uint8Array.of(0x3f, 0xc0 /* rt-unspecified-failure */)
const SEND_DATA_REQUEST = 0x64
const SEND_DATA_INDICATION = 0x68
/** High priority; begin and end of the data in one message. */
const WHOLE_DATA = 0x70
const SEGMENTATION_MASK = 0x30

/**
 * @param payload of the X.224 data TPDU
 * @returns `data` is a view into the payload
 * @throws ProtocolError `ERR_PACKET_TRUNCATED`, `ERR_PACKET_MALFORMED`
 */
export function decodeDomainPdu(payload: Uint8Array): DomainPdu {
  const reader = new Reader('MCS', payload)
  const pdu = readBody(reader)
  if (reader.remaining > 0) {
    throw reader.malformed('end', `need nothing more, have ${reader.remaining} bytes`)
  }
  return pdu
}

function readBody(reader: Reader): DomainPdu {
  const choice = reader.u8('choice') & 0xfc
  switch (choice) {
    case ERECT_DOMAIN:
      reader.skip('heights', reader.remaining)
      return { kind: 'erectDomain' }
    case ATTACH_USER_REQUEST:
      return { kind: 'attachUser' }
    case CHANNEL_JOIN_REQUEST:
      return {
        kind: 'channelJoin',
        user: reader.u16be('user') + USER_ID_BASE,
        channel: reader.u16be('channel'),
      }
    case SEND_DATA_REQUEST:
      return readSendData(reader)
    case DISCONNECT_ULTIMATUM:
      reader.skip('reason', reader.remaining)
      return { kind: 'disconnect' }
    default:
      throw reader.malformed('choice', `need a request that clients send, have ${choice}`)
  }
}

function readSendData(reader: Reader): DomainPdu {
  reader.skip('initiator', 2)
  const channel = reader.u16be('channel')
  if ((reader.u8('segmentation') & SEGMENTATION_MASK) !== SEGMENTATION_MASK) {
    throw reader.malformed('segmentation', 'need whole data, have a segment')
  }
  return { kind: 'data', channel, data: reader.bytes('data', readPerLength(reader, 'length')) }
}

export function encodeAttachUserConfirm(user: number): Buffer {
  return new Writer(4)
    .u8(ATTACH_USER_CONFIRM)
    .u8(0 /* rt-successful */)
    .u16be(user - USER_ID_BASE)
    .finish()
}

export function encodeChannelJoinConfirm(join: {
  user: number
  channel: number
  allowed: boolean
}): Buffer {
  const { user, channel, allowed } = join
  return new Writer(2 + 2 /* user */ + 2 /* requested */ + 2 /* joined */)
    .bytes(allowed ? Uint8Array.of(CHANNEL_JOIN_CONFIRM, 0) : CHANNEL_JOIN_REFUSED)
    .u16be(user - USER_ID_BASE)
    .u16be(channel)
    .u16be(channel)
    .finish()
}

/** Send Data Indication on the I/O channel; `data` at most 16,383 bytes. */
export function encodeSendData(data: Uint8Array): Buffer {
  const length = encodePerLength(data.length)
  return new Writer(1 + 2 /* initiator */ + 2 /* channel */ + 1 + length.length + data.length)
    .u8(SEND_DATA_INDICATION)
    .u16be(SERVER_CHANNEL - USER_ID_BASE)
    .u16be(IO_CHANNEL)
    .u8(WHOLE_DATA)
    .bytes(length)
    .bytes(data)
    .finish()
}

/** Disconnect Provider Ultimatum: the reason's three bits straddle both bytes. */
export function encodeDisconnect(reason: DisconnectReason): Buffer {
  return Buffer.from([DISCONNECT_ULTIMATUM | (reason >> 1), (reason & 1) << 7])
}
