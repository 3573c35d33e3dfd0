import { Reader, Writer } from '../../../protocol/index.ts'
import { SERVER_CHANNEL } from './mcs.ts'

/**
 * Share control and share data headers, [MS-RDPBCGR] 2.2.8.1.1: the envelope of everything that is
 * said on the I/O channel once capabilities are exchanged.
 */

/** Any value works; clients repeat it. */
export const SHARE_ID = 0x0001_03f3

const PduType = { demandActive: 1, confirmActive: 3, data: 7 } as const
/** TS_PROTOCOL_VERSION in the upper bits of pduType. */
const PROTOCOL_VERSION = 0x10
const PDU_TYPE_MASK = 0x0f
/** totalLength of a flow PDU, 8 bytes that carry nothing. */
const FLOW_PDU = 0x8000
const FLOW_PDU_BYTES = 8

/** pduType2, [MS-RDPBCGR] 2.2.8.1.1.1.2. */
export const DataType = {
  update: 2,
  control: 20,
  input: 28,
  synchronize: 31,
  refreshRect: 33,
  suppressOutput: 35,
  shutdownRequest: 36,
  saveSessionInfo: 38,
  fontList: 39,
  fontMap: 40,
  setErrorInfo: 47,
} as const
export type DataType = (typeof DataType)[keyof typeof DataType]

export type SharePdu =
  | { kind: 'confirmActive'; body: Uint8Array }
  /** `type` is a `DataType` or one that is ignored. */
  | { kind: 'data'; type: number; body: Uint8Array }

const CONTROL_HEADER_BYTES = 2 /* totalLength */ + 2 /* pduType */ + 2 /* source */
const DATA_HEADER_BYTES = 4 /* shareId */ + 1 + 1 /* stream */ + 2 /* length */ + 1 + 1 + 2
/** uncompressedLength counts from pduType2 on. */
const COUNTED_HEADER_BYTES = 1 /* pduType2 */ + 1 /* compressedType */ + 2 /* compressedLength */
const STREAM_LOW = 1

/**
 * Several PDUs may share one MCS message. Those that no client of ours needs answered are left out.
 *
 * @returns bodies are views
 * @throws ProtocolError `ERR_PACKET_TRUNCATED`, `ERR_PACKET_MALFORMED`
 */
export function decodeSharePdus(data: Uint8Array): SharePdu[] {
  const reader = new Reader('SHARE_CONTROL', data)
  const pdus: SharePdu[] = []
  while (reader.remaining > 0) {
    const totalLength = reader.u16le('totalLength')
    if (totalLength === FLOW_PDU) {
      reader.skip('flow', FLOW_PDU_BYTES - 2)
      continue
    }
    if (totalLength < CONTROL_HEADER_BYTES) {
      throw reader.malformed('totalLength', `need at least 6, have ${totalLength}`)
    }
    const type = reader.u16le('pduType') & PDU_TYPE_MASK
    reader.skip('pduSource', 2)
    const body = reader.bytes('body', totalLength - CONTROL_HEADER_BYTES)
    if (type === PduType.confirmActive) pdus.push({ kind: 'confirmActive', body })
    if (type === PduType.data) pdus.push(readData(body))
  }
  return pdus
}

function readData(bytes: Uint8Array): SharePdu {
  const reader = new Reader('SHARE_DATA', bytes)
  reader.skip('shareId', 4 + 1 /* pad */ + 1 /* streamId */ + 2 /* uncompressedLength */)
  const type = reader.u8('pduType2')
  const compressedType = reader.u8('compressedType')
  if (compressedType !== 0) {
    throw reader.malformed('compressedType', `need 0, have ${compressedType}`)
  }
  reader.skip('compressedLength', 2)
  return { kind: 'data', type, body: reader.bytes('body', reader.remaining) }
}

/** A share control PDU with the body of a Demand Active. */
export function encodeDemandActivePdu(body: Uint8Array): Buffer {
  return encodeControl(PduType.demandActive, body)
}

export function encodeDataPdu(type: DataType, body: Uint8Array): Buffer {
  const data = new Writer(DATA_HEADER_BYTES + body.length)
    .u32le(SHARE_ID)
    .u8(0)
    .u8(STREAM_LOW)
    .u16le(COUNTED_HEADER_BYTES + body.length)
    .u8(type)
    .u8(0 /* not compressed */)
    .u16le(0)
    .bytes(body)
  return encodeControl(PduType.data, data.finish())
}

function encodeControl(type: number, body: Uint8Array): Buffer {
  return new Writer(CONTROL_HEADER_BYTES + body.length)
    .u16le(CONTROL_HEADER_BYTES + body.length)
    .u16le(type | PROTOCOL_VERSION)
    .u16le(SERVER_CHANNEL)
    .bytes(body)
    .finish()
}
