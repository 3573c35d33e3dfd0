import { createHash, randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { BrokerError, ProtocolError } from '../lib/index.ts'
import { type RequestIdentity, readResponseHead, renderGatewayRequest } from './http-head.ts'
import { PacketInbox } from './packet-inbox.ts'
import { send, sendLast } from './send.ts'
import { StepError } from './steps.ts'
import type { Transport } from './transport.ts'
import {
  createFrameReader,
  encodeBinaryFrame,
  encodeCloseFrame,
  encodePongFrame,
} from './websocket-frames.ts'

/** RFC 6455 section 1.3. */
const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const NORMAL_CLOSURE = 1000

/**
 * Upgrades a TLS connection, as FreeRDP does with the method `RDG_OUT_DATA`.
 *
 * @throws StepError with the HTTP status; ProtocolError, BrokerError `ERR_NO_ANSWER`, the signal's reason
 */
export async function openWebSocket(
  socket: Duplex,
  identity: RequestIdentity,
  signal: AbortSignal,
): Promise<Transport> {
  const key = randomBytes(16).toString('base64')
  socket.write(
    renderGatewayRequest('RDG_OUT_DATA', identity, [
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
      ['Sec-WebSocket-Version', '13'],
      ['Sec-WebSocket-Key', key],
      ['Content-Length', '0'],
    ]),
  )
  const { head, rest } = await readResponseHead(socket, signal)
  if (head.status !== 101) throw StepError.refusedByHttp('transport', head.status)
  const accept = createHash('sha1').update(`${key}${ACCEPT_GUID}`).digest('base64')
  if (head.headers.get('Sec-WebSocket-Accept') !== accept) {
    throw new ProtocolError(
      'ERR_HTTP_MALFORMED',
      'HTTP',
      'Sec-WebSocket-Accept',
      'does not answer the key',
    )
  }
  return new WebSocketTransport(socket, rest)
}

class WebSocketTransport implements Transport {
  readonly kind = 'websocket'
  readonly inbox: PacketInbox
  readonly #socket: Duplex

  constructor(socket: Duplex, rest: Buffer) {
    this.#socket = socket
    const inbox = new PacketInbox(socket)
    this.inbox = inbox
    const read = createFrameReader({
      onBinary: (data) => inbox.push(data),
      onPing: (data) => {
        // RFC 6455 5.5.3 lets us leave out answers: they must not pile up for a gateway that doesn't read.
        if (!socket.writableNeedDrain) send(socket, encodePongFrame(data))
      },
      onEnd: (reason) => inbox.end(reason),
    })
    socket.on('data', read)
    socket.on('end', () => inbox.end())
    socket.on('error', (error) => {
      inbox.end(new BrokerError('ERR_CLOSED', error.message, { cause: error }))
    })
    socket.on('close', () => inbox.end())
    if (rest.length > 0) read(rest)
    socket.resume()
  }

  send(packet: Uint8Array, sent?: () => void): void {
    send(this.#socket, encodeBinaryFrame(packet), sent)
  }

  close(): Promise<void> {
    return sendLast(this.#socket, encodeCloseFrame(NORMAL_CLOSURE))
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
