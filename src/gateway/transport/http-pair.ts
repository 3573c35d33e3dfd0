import type { Socket } from 'node:net'
import { ChunkedDecoder } from '../../protocol/index.ts'
import type { Limits } from '../limits.ts'
import { ClientWrites } from './client-writes.ts'
import { closeGracefully } from './closing.ts'
import { PacketInbox } from './packet-inbox.ts'
import type { PacketTransport } from './packet-transport.ts'
import { takeReads } from './reads.ts'

/**
 * Packets over two HTTP connections, [MS-TSGU] 3.3.5.1: the chunked body of a request on IN, and on OUT
 * a response without length that ends with the connection. The end of either ends both: clients watch
 * OUT only, and a proxy may keep one of them open long after the client has gone.
 */
export class HttpPairTransport implements PacketTransport {
  readonly kind = 'http'
  readonly inbox: PacketInbox
  readonly #out: Socket
  readonly #writes: ClientWrites
  readonly #in: Socket
  readonly #closeTimeoutMs: number

  constructor(out: Socket, inSocket: Socket, limits: Limits) {
    this.#out = out
    this.#writes = new ClientWrites(out)
    this.#in = inSocket
    this.#closeTimeoutMs = limits.closeTimeoutMs
    this.inbox = new PacketInbox(inSocket, limits.maxQueuedPackets)
    this.#watch(out, 'OUT')
    this.#watch(inSocket, 'IN')
    // Nothing is due on OUT after its request; reading on is how its end is noticed.
    out.resume()
  }

  /** Takes the chunked body of IN from here on. @param rest bytes that came after its request head */
  readBody(rest: Buffer): void {
    const decoder = new ChunkedDecoder()
    const read = (bytes: Buffer): void => {
      try {
        for (const data of decoder.push(bytes)) this.inbox.push(data)
        if (decoder.finished) this.inbox.endFor('client-closed', 'last chunk on IN')
      } catch (error) {
        this.inbox.end(error)
      }
    }
    takeReads(this.#in, this.inbox, read)
    read(rest)
    this.#in.resume()
  }

  get queuedBytes(): number {
    return this.#writes.queuedBytes
  }

  send(packet: Uint8Array): void {
    this.#writes.write(packet)
  }

  sendInPlace(buffer: Buffer, start: number, end: number, done: () => void): void {
    this.#writes.write(buffer.subarray(start, end), done)
  }

  /** OUT first, so that its last packet is out before the client sees either end. */
  async close(): Promise<void> {
    this.#writes.flush()
    await closeGracefully(this.#out, this.#closeTimeoutMs)
    this.#in.destroy()
  }

  #watch(socket: Socket, name: 'IN' | 'OUT'): void {
    const end = (detail: string): void => this.inbox.endFor('client-closed', `${name}: ${detail}`)
    socket.on('end', () => end('end of stream'))
    socket.on('error', (error) => end(error.message))
    socket.on('close', () => end('closed'))
    if (socket.destroyed) end('closed')
  }
}
