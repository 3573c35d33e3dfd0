import { once } from 'node:events'
import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import { BrokerError, ProtocolError } from '../../lib/index.ts'
import {
  type ConnectionRequest,
  decodeConnectionRequest,
  decodeGrantNotice,
  decodeProxyFields,
  decodeProxyV2,
  EXTENDED_CLIENT_DATA_SUPPORTED,
  encodeConnectionConfirm,
  type GrantNotice,
  NegotiationFailureCode,
  SecurityProtocol,
  tpktLength,
} from '../../protocol/index.ts'
import { MAX_REQUEST_BYTES } from './limits.ts'

export interface SecuredConnection {
  socket: TLSSocket
  /** What the client offered, to be echoed in the connect response. */
  requestedProtocols: number
  /** What a host agent in front tells of the grant; absent where none is. */
  grant?: GrantNotice
}

/**
 * The part before RDP proper: a PROXY header where a host agent stands in front, one Connection Request in clear, the confirm that chooses TLS, the TLS
 * handshake. Has no deadline of its own: destroy `raw`, and it rejects.
 *
 * @throws ProtocolError when the client does not offer TLS (it is told so) or its bytes are wrong;
 *   BrokerError `ERR_CLOSED` when it leaves
 */
export async function secure(
  raw: Socket,
  { secureContext, proxied }: { secureContext: SecureContext; proxied: boolean },
): Promise<SecuredConnection> {
  const { request, grant } = await receiveRequest(raw, proxied)
  const { negotiation } = request
  const requestedProtocols = negotiation?.requestedProtocols ?? SecurityProtocol.rdp
  if ((requestedProtocols & SecurityProtocol.ssl) === 0) {
    const failureCode = NegotiationFailureCode.sslRequiredByServer
    raw.write(encodeConnectionConfirm({ kind: 'failure', failureCode }))
    throw new ProtocolError(
      'ERR_PACKET_UNEXPECTED',
      'CONNECTION_REQUEST',
      'requestedProtocols',
      `need TLS, have ${requestedProtocols}`,
    )
  }
  raw.write(
    encodeConnectionConfirm({
      kind: 'selected',
      flags: EXTENDED_CLIENT_DATA_SUPPORTED,
      selectedProtocol: SecurityProtocol.ssl,
    }),
  )
  // In the same turn as the confirm: bytes that JavaScript reads before this would be lost to TLS.
  const socket = new TLSSocket(raw, { isServer: true, secureContext })
  // An error reaches whoever reads the socket; this keeps one between two reads from ending the process.
  socket.on('error', () => {})
  await orClosed(raw, once(socket, 'secure'))
  return { socket, requestedProtocols, ...(grant === undefined ? {} : { grant }) }
}

interface Received {
  request: ConnectionRequest
  grant?: GrantNotice
}

/** @returns undefined while more bytes are needed; bytes behind the request are refused */
function decodeRequest(bytes: Buffer, proxied: boolean): Received | undefined {
  const header = proxied ? decodeProxyV2(bytes) : { length: 0 }
  if (header === undefined) return undefined
  const packet = bytes.subarray(header.length)
  const length = tpktLength(packet, MAX_REQUEST_BYTES)
  if (length === undefined || packet.length < length) return undefined
  const request = decodeConnectionRequest(packet)
  if (!proxied) return { request }
  return { request, grant: decodeGrantNotice(decodeProxyFields(bytes.subarray(0, header.length))) }
}

/** Takes exactly one TPKT, with a PROXY header in front or none, and leaves the socket paused. */
async function receiveRequest(raw: Socket, proxied: boolean): Promise<Received> {
  let pending: Buffer = Buffer.alloc(0)
  let onData = (_chunk: Buffer) => {}
  const received = new Promise<Received>((resolve, reject) => {
    onData = (chunk) => {
      pending = Buffer.concat([pending, chunk])
      try {
        const decoded = decodeRequest(pending, proxied)
        if (decoded !== undefined) resolve(decoded)
      } catch (error) {
        reject(error)
      }
    }
  })
  raw.on('data', onData)
  try {
    return await orClosed(raw, received)
  } finally {
    raw.off('data', onData)
    raw.pause()
  }
}

async function orClosed<T>(socket: Socket, outcome: Promise<T>): Promise<T> {
  let onClose = () => {}
  const closed = new Promise<never>((_, reject) => {
    onClose = () => reject(new BrokerError('ERR_CLOSED', 'connection: closed during set-up'))
    if (socket.destroyed) onClose()
    else socket.once('close', onClose)
  })
  try {
    return await Promise.race([outcome, closed])
  } finally {
    socket.off('close', onClose)
  }
}
