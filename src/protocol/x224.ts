import { ProtocolError } from '../lib/index.ts'
import { Reader, Writer } from './cursor.ts'

/**
 * The first two messages of every RDP connection, sent before TLS: a TPKT (RFC 1006 section 6) that
 * holds an X.224 Connection Request or Connection Confirm with the RDP security negotiation,
 * [MS-RDPBCGR] 2.2.1.1 and 2.2.1.2; and the data TPDU that carries everything after them.
 * Each `encode…` gives a whole TPKT, each `decode…` takes exactly one: frame with `tpktLength` first.
 */

/** Protocol bits of RDP_NEG_REQ.requestedProtocols and RDP_NEG_RSP.selectedProtocol. */
export const SecurityProtocol = {
  /** PROTOCOL_RDP: standard RDP security, no bit. */
  rdp: 0x0000_0000,
  /** PROTOCOL_SSL: TLS, no network level authentication. */
  ssl: 0x0000_0001,
  /** PROTOCOL_HYBRID: TLS and CredSSP. */
  hybrid: 0x0000_0002,
  rdstls: 0x0000_0004,
  /** PROTOCOL_HYBRID_EX: CredSSP with early user authorization. */
  hybridEx: 0x0000_0008,
  rdsAad: 0x0000_0010,
} as const

/** RDP_NEG_FAILURE.failureCode, [MS-RDPBCGR] 2.2.1.2.2. */
export const NegotiationFailureCode = {
  sslRequiredByServer: 1,
  sslNotAllowedByServer: 2,
  sslCertNotOnServer: 3,
  inconsistentFlags: 4,
  hybridRequiredByServer: 5,
  sslWithUserAuthRequiredByServer: 6,
} as const

/** RDP_NEG_REQ.flags: an RDP_NEG_CORRELATION_INFO follows. */
const CORRELATION_INFO_PRESENT = 0x08
/** RDP_NEG_RSP.flags: the host reads the optional blocks of the client's GCC data. */
export const EXTENDED_CLIENT_DATA_SUPPORTED = 0x01

export interface ConnectionRequest {
  /** `Cookie: mstshash=…` or a routing token, without CR LF. FreeRDP puts a user name here: don't log it. */
  cookie?: string
  /** Absent when the client only knows standard RDP security. */
  negotiation?: {
    /** RDP_NEG_REQ.flags without the correlation bit, which `correlationId` stands for. */
    flags: number
    /** `SecurityProtocol` bits. */
    requestedProtocols: number
  }
  /** 16 bytes, RDP_NEG_CORRELATION_INFO; only together with `negotiation`. */
  correlationId?: Uint8Array
}

export type ConnectionConfirm =
  /** RDP_NEG_RSP: `selectedProtocol` is one `SecurityProtocol`. */
  | { kind: 'selected'; flags: number; selectedProtocol: number }
  /** RDP_NEG_FAILURE: the host refuses; usually a `NegotiationFailureCode`. */
  | { kind: 'failure'; failureCode: number }
  /** No negotiation data: an old host with standard RDP security only. */
  | { kind: 'plain' }

const TPKT_VERSION = 3
const TPKT_HEADER_BYTES = 1 /* version */ + 1 /* reserved */ + 2 /* length */
/** What follows the length indicator of CR and CC: code, DST-REF, SRC-REF, class. */
const FIXED_TPDU_BYTES = 1 /* code */ + 2 /* dstRef */ + 2 /* srcRef */ + 1 /* classOption */
/** X.224 13.2.1: a length indicator of 255 is reserved. */
const MAX_LENGTH_INDICATOR = 254
const MIN_TPKT_BYTES = TPKT_HEADER_BYTES + 1 /* LI */ + 1 /* code */ + 1 /* EOT */

const CONNECTION_REQUEST = 0xe0
const CONNECTION_CONFIRM = 0xd0
const DATA_TPDU = Uint8Array.of(2 /* LI */, 0xf0 /* code */, 0x80 /* end of message */)

const TYPE_RDP_NEG_REQ = 1
const TYPE_RDP_NEG_RSP = 2
const TYPE_RDP_NEG_FAILURE = 3
const TYPE_RDP_CORRELATION_INFO = 6
const NEGOTIATION_BYTES = 1 /* type */ + 1 /* flags */ + 2 /* length */ + 4 /* protocols or code */
const CORRELATION_ID_BYTES = 16
const CORRELATION_BYTES =
  1 /* type */ + 1 /* flags */ + 2 /* length */ + CORRELATION_ID_BYTES + 16 /* reserved */

/**
 * Length in bytes of the TPKT that begins at `bytes[0]`, header included.
 *
 * @param maxBytes what the caller is ready to hold; a longer packet is refused as soon as its header is there
 * @returns undefined while the 4 header bytes are not all there
 * @throws ProtocolError `ERR_PACKET_MALFORMED`, `ERR_PACKET_TOO_LARGE`
 */
export function tpktLength(bytes: Uint8Array, maxBytes: number): number | undefined {
  const version = bytes[0]
  if (version !== undefined && version !== TPKT_VERSION) {
    throw malformed('TPKT', 'version', `need ${TPKT_VERSION}, have ${version}`)
  }
  if (bytes.length < TPKT_HEADER_BYTES) return undefined
  const length = new Reader('TPKT', bytes.subarray(2)).u16be('length')
  if (length < MIN_TPKT_BYTES) {
    throw malformed('TPKT', 'length', `need at least ${MIN_TPKT_BYTES}, have ${length}`)
  }
  if (length > maxBytes) {
    throw new ProtocolError(
      'ERR_PACKET_TOO_LARGE',
      'TPKT',
      'length',
      `allowed ${maxBytes} bytes, have ${length}`,
    )
  }
  return length
}

/** @throws RangeError when cookie and blocks together do not fit the one-byte length indicator */
export function encodeConnectionRequest(request: ConnectionRequest): Buffer {
  const { cookie, negotiation, correlationId } = request
  const cookieLine = Buffer.from(cookie === undefined ? '' : `${cookie}\r\n`, 'latin1')
  const size =
    cookieLine.length +
    (negotiation === undefined ? 0 : NEGOTIATION_BYTES) +
    (correlationId === undefined ? 0 : CORRELATION_BYTES)
  const writer = startTpdu(CONNECTION_REQUEST, 0, size).bytes(cookieLine)
  if (negotiation !== undefined) {
    const correlationFlag = correlationId === undefined ? 0 : CORRELATION_INFO_PRESENT
    writer
      .u8(TYPE_RDP_NEG_REQ)
      .u8(negotiation.flags | correlationFlag)
      .u16le(NEGOTIATION_BYTES)
      .u32le(negotiation.requestedProtocols)
  }
  if (correlationId !== undefined) {
    writer
      .u8(TYPE_RDP_CORRELATION_INFO)
      .u8(0)
      .u16le(CORRELATION_BYTES)
      .bytes(correlationId)
      .bytes(new Uint8Array(CORRELATION_BYTES - 4 - CORRELATION_ID_BYTES))
  }
  return writer.finish()
}

/**
 * Client X.224 Connection Request PDU, [MS-RDPBCGR] 2.2.1.1.
 *
 * @param packet one whole TPKT
 * @throws ProtocolError `ERR_PACKET_TRUNCATED`, `ERR_PACKET_MALFORMED`
 */
export function decodeConnectionRequest(packet: Uint8Array): ConnectionRequest {
  const reader = openTpdu('CONNECTION_REQUEST', CONNECTION_REQUEST, packet)
  const request: ConnectionRequest = {}
  const variable = packet.subarray(packet.length - reader.remaining)
  if (variable.length > 0 && variable[0] !== TYPE_RDP_NEG_REQ) {
    const end = Buffer.from(variable).indexOf('\r\n')
    if (end < 0) throw reader.malformed('cookie', 'need CR LF at its end, have none')
    request.cookie = Buffer.from(reader.bytes('cookie', end)).toString('latin1')
    reader.skip('cookie', 2)
  }
  if (reader.remaining === 0) return request

  const { flags, value } = readNegotiation(reader, [TYPE_RDP_NEG_REQ])
  request.negotiation = { flags: flags & ~CORRELATION_INFO_PRESENT, requestedProtocols: value }
  if ((flags & CORRELATION_INFO_PRESENT) !== 0) request.correlationId = readCorrelationId(reader)
  expectEnd(reader)
  return request
}

/** [MS-RDPBCGR] 2.2.1.2; the source reference is 0x1234, which Windows hosts send too. */
export function encodeConnectionConfirm(confirm: ConnectionConfirm): Buffer {
  const sourceReference = 0x1234
  if (confirm.kind === 'plain') return startTpdu(CONNECTION_CONFIRM, sourceReference, 0).finish()
  const writer = startTpdu(CONNECTION_CONFIRM, sourceReference, NEGOTIATION_BYTES)
  if (confirm.kind === 'failure') {
    writer.u8(TYPE_RDP_NEG_FAILURE).u8(0).u16le(NEGOTIATION_BYTES).u32le(confirm.failureCode)
  } else {
    writer
      .u8(TYPE_RDP_NEG_RSP)
      .u8(confirm.flags)
      .u16le(NEGOTIATION_BYTES)
      .u32le(confirm.selectedProtocol)
  }
  return writer.finish()
}

/**
 * Server X.224 Connection Confirm PDU, [MS-RDPBCGR] 2.2.1.2.
 *
 * @param packet one whole TPKT
 * @throws ProtocolError `ERR_PACKET_TRUNCATED`, `ERR_PACKET_MALFORMED`
 */
export function decodeConnectionConfirm(packet: Uint8Array): ConnectionConfirm {
  const reader = openTpdu('CONNECTION_CONFIRM', CONNECTION_CONFIRM, packet)
  if (reader.remaining === 0) return { kind: 'plain' }
  const { type, flags, value } = readNegotiation(reader, [TYPE_RDP_NEG_RSP, TYPE_RDP_NEG_FAILURE])
  expectEnd(reader)
  if (type === TYPE_RDP_NEG_FAILURE) return { kind: 'failure', failureCode: value }
  return { kind: 'selected', flags, selectedProtocol: value }
}

/** One TPKT with an X.224 data TPDU around `payload` (at most 65,528 bytes). */
export function encodeDataTpdu(payload: Uint8Array): Buffer {
  const length = TPKT_HEADER_BYTES + DATA_TPDU.length + payload.length
  return startTpkt(length).bytes(DATA_TPDU).bytes(payload).finish()
}

/**
 * What an X.224 data TPDU carries: a view into `packet`.
 *
 * @param packet one whole TPKT
 * @throws ProtocolError `ERR_PACKET_TRUNCATED`, `ERR_PACKET_MALFORMED`
 */
export function decodeDataTpdu(packet: Uint8Array): Uint8Array {
  const reader = openTpkt('DATA_TPDU', packet)
  const header = reader.bytes('header', DATA_TPDU.length)
  if (!DATA_TPDU.every((byte, index) => header[index] === byte)) {
    throw reader.malformed('header', 'need 02 f0 80')
  }
  return reader.bytes('payload', reader.remaining)
}

function startTpkt(length: number): Writer {
  return new Writer(length).u8(TPKT_VERSION).u8(0).u16be(length)
}

function startTpdu(code: number, sourceReference: number, variableBytes: number): Writer {
  const lengthIndicator = FIXED_TPDU_BYTES + variableBytes
  if (lengthIndicator > MAX_LENGTH_INDICATOR) {
    throw new RangeError(
      `length indicator: allowed ${MAX_LENGTH_INDICATOR}, have ${lengthIndicator}`,
    )
  }
  return startTpkt(TPKT_HEADER_BYTES + 1 + lengthIndicator)
    .u8(lengthIndicator)
    .u8(code)
    .u16be(0 /* dstRef */)
    .u16be(sourceReference)
    .u8(0 /* classOption */)
}

function openTpkt(packetName: string, packet: Uint8Array): Reader {
  const length = tpktLength(packet, packet.length)
  if (length !== packet.length) {
    throw malformed(packetName, 'length', `need ${packet.length}, have ${length ?? 'no header'}`)
  }
  const reader = new Reader(packetName, packet)
  reader.skip('tpkt', TPKT_HEADER_BYTES)
  return reader
}

/** Leaves the reader at the variable part; references and class carry nothing that RDP uses. */
function openTpdu(packetName: string, code: number, packet: Uint8Array): Reader {
  const reader = openTpkt(packetName, packet)
  const lengthIndicator = reader.u8('lengthIndicator')
  if (lengthIndicator !== reader.remaining) {
    throw reader.malformed('lengthIndicator', `need ${reader.remaining}, have ${lengthIndicator}`)
  }
  const actual = reader.u8('code')
  if (actual !== code) throw reader.malformed('code', `need ${code}, have ${actual}`)
  reader.skip('references', FIXED_TPDU_BYTES - 1)
  return reader
}

function readNegotiation(reader: Reader, types: number[]) {
  const type = reader.u8('negotiationType')
  if (!types.includes(type)) {
    throw reader.malformed('negotiationType', `need ${types.join(' or ')}, have ${type}`)
  }
  const flags = reader.u8('negotiationFlags')
  const length = reader.u16le('negotiationLength')
  if (length !== NEGOTIATION_BYTES) {
    throw reader.malformed('negotiationLength', `need ${NEGOTIATION_BYTES}, have ${length}`)
  }
  return { type, flags, value: reader.u32le('negotiationValue') }
}

function readCorrelationId(reader: Reader): Uint8Array {
  const type = reader.u8('correlationType')
  reader.skip('correlationFlags', 1)
  const length = reader.u16le('correlationLength')
  if (type !== TYPE_RDP_CORRELATION_INFO || length !== CORRELATION_BYTES) {
    throw reader.malformed('correlationInfo', `need type 6 of 36 bytes, have ${type} of ${length}`)
  }
  const correlationId = reader.bytes('correlationId', CORRELATION_ID_BYTES)
  reader.skip('correlationReserved', 16)
  return correlationId
}

function expectEnd(reader: Reader): void {
  if (reader.remaining > 0) {
    throw reader.malformed('end', `need nothing more, have ${reader.remaining} bytes`)
  }
}

function malformed(packet: string, field: string, message: string): ProtocolError {
  return new ProtocolError('ERR_PACKET_MALFORMED', packet, field, message)
}
