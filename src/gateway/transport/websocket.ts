import type { Socket } from 'node:net'
import type { Limits } from '../limits.ts'
import { ClientWrites } from './client-writes.ts'
import { closeGracefully } from './closing.ts'
import { PacketInbox } from './packet-inbox.ts'
import type { PacketTransport } from './packet-transport.ts'
import { takeReads } from './reads.ts'
import {
  CloseCode,
  encodeBinaryFrame,
  encodeCloseFrame,
  encodePongFrame,
  writeBinaryHeader,
} from './websocket-frames.ts'
import { createFrameReader } from './websocket-reader.ts'

/**
 * Packets over one WebSocket, [MS-TSGU] 2.2.3.1.1: what the client sends in any frames is one stream of
 * packets, what we send is one message for each. We never send PING: it crashes FreeRDP 3.10 and later.
 */
export class WebSocketTransport implements PacketTransport {
  readonly kind = 'websocket'
  readonly inbox: PacketInbox
  readonly #socket: Socket
  readonly #writes: ClientWrites
  readonly #closeTimeoutMs: number
  #closeCode: number = CloseCode.normal

  /** @param rest bytes that came after the upgrade request */
  constructor(socket: Socket, rest: Buffer, limits: Limits) {
    this.#socket = socket
    this.#writes = new ClientWrites(socket)
    this.#closeTimeoutMs = limits.closeTimeoutMs
    const inbox = new PacketInbox(socket, limits.maxQueuedPackets)
    this.inbox = inbox
    const read = createFrameReader({
      onBinary: (data) => inbox.push(data),
      onPing: (data) => {
        // RFC 6455 5.5.3 lets us leave out answers: they must not pile up for a client that doesn't read.
        if (socket.writable && !socket.writableNeedDrain) socket.write(encodePongFrame(data))
      },
      onClose: () => inbox.endFor('client-closed', 'WebSocket CLOSE'),
      onError: (error, closeCode) => {
        this.#closeCode = closeCode
        inbox.end(error)
      },
    })
    takeReads(socket, inbox, read)
    socket.on('end', () => inbox.endFor('client-closed', 'end of the WebSocket'))
    socket.on('error', (error) => inbox.endFor('client-closed', error.message))
    socket.on('close', () => inbox.endFor('client-closed', 'WebSocket closed'))
    read(rest)
    socket.resume()
  }

  get queuedBytes(): number {
    return this.#writes.queuedBytes
  }

  send(packet: Uint8Array): void {
    this.#writes.write(encodeBinaryFrame(packet))
  }

  sendInPlace(buffer: Buffer, start: number, end: number, done: () => void): void {
    const begin = writeBinaryHeader(buffer, start, end)
    this.#writes.write(buffer.subarray(begin, end), done)
  }

  close(): Promise<void> {
    this.#writes.flush()
    // A client that has ended its stream does not read on.
    const isListening = this.#socket.writable && !this.#socket.readableEnded
    if (isListening) this.#socket.write(encodeCloseFrame(this.#closeCode))
    return closeGracefully(this.#socket, this.#closeTimeoutMs)
  }
}
