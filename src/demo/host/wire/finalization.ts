import { Reader, Writer } from '../../../protocol/index.ts'
import { SERVER_CHANNEL } from './mcs.ts'
import { DataType, encodeDataPdu } from './share.ts'

/**
 * The messages that finish a connection, [MS-RDPBCGR] 2.2.1.14 to 2.2.1.22, and those that end it,
 * 2.2.5.1. Each `encode…` gives a whole share data PDU.
 */

const ControlAction = { requestControl: 1, grantedControl: 2, cooperate: 4 } as const

/** Set Error Info codes, [MS-RDPBCGR] 2.2.5.1.1: mstsc and FreeRDP show a sentence for each. */
export const ErrorInfo = {
  rpcInitiatedDisconnect: 1,
  idleTimeout: 3,
  logonTimeout: 4,
  disconnectedByOtherConnection: 5,
  serverDeniedConnection: 7,
  logoffByUser: 0x0c,
} as const
export type ErrorInfo = (typeof ErrorInfo)[keyof typeof ErrorInfo]

/** INFOTYPE_LOGON_PLAINNOTIFY and its padding, 2.2.10.1.1.3. */
const LOGON_PLAIN_NOTIFY = 2
const PLAIN_NOTIFY_PAD_BYTES = 576

export function encodeSynchronize(user: number): Buffer {
  const synchronizeMessage = 1
  return encodeDataPdu(
    DataType.synchronize,
    new Writer(4).u16le(synchronizeMessage).u16le(user).finish(),
  )
}

/**
 * The answer to a Control PDU: cooperate to cooperate, granted to a request.
 *
 * @returns undefined for an action that wants no answer
 * @throws ProtocolError `ERR_PACKET_TRUNCATED`
 */
export function answerControl(body: Uint8Array, user: number): Buffer | undefined {
  const action = new Reader('CONTROL', body).u16le('action')
  if (action === ControlAction.cooperate) return encodeControl(ControlAction.cooperate, 0, 0)
  if (action === ControlAction.requestControl) {
    return encodeControl(ControlAction.grantedControl, user, SERVER_CHANNEL)
  }
  return undefined
}

function encodeControl(action: number, grantId: number, controlId: number): Buffer {
  return encodeDataPdu(
    DataType.control,
    new Writer(2 + 2 + 4).u16le(action).u16le(grantId).u32le(controlId).finish(),
  )
}

/** No entries, FONTLIST_FIRST | FONTLIST_LAST, entries of 4 bytes. */
export function encodeFontMap(): Buffer {
  return encodeDataPdu(DataType.fontMap, Buffer.from('0000000003000400', 'hex'))
}

/** Save Session Info "plain notify": Windows sends it after the Font Map, and mstsc may wait for it. */
export function encodeLogonNotify(): Buffer {
  return encodeDataPdu(
    DataType.saveSessionInfo,
    new Writer(4 + PLAIN_NOTIFY_PAD_BYTES)
      .u32le(LOGON_PLAIN_NOTIFY)
      .bytes(new Uint8Array(PLAIN_NOTIFY_PAD_BYTES))
      .finish(),
  )
}

export function encodeSetErrorInfo(code: ErrorInfo): Buffer {
  return encodeDataPdu(DataType.setErrorInfo, new Writer(4).u32le(code).finish())
}
