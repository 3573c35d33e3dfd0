import type { TLSSocket } from 'node:tls'
import { encodeDataTpdu } from '../../protocol/index.ts'
import { MAX_FRAME_BYTES } from './limits.ts'
import { type Frame, takeFrame } from './wire/frames.ts'
import { encodeSendData } from './wire/mcs.ts'

/** A TLS connection as frames in and messages out. Whoever made the socket closes it. */
export class Link {
  readonly #socket: TLSSocket

  constructor(socket: TLSSocket) {
    this.#socket = socket
  }

  /** Bytes that wait for the client to take them. */
  get queuedBytes(): number {
    return this.#socket.writableLength
  }

  /**
   * What the client sends, until it ends. Ends at once, and gives no frame that is already there, when
   * our side was closed meanwhile.
   *
   * @throws ProtocolError from the frame codec; the socket's own errors
   */
  async *frames(): AsyncGenerator<Frame, undefined> {
    let pending: Buffer = Buffer.alloc(0)
    const chunks: AsyncIterable<Buffer> = this.#socket
    for await (const chunk of chunks) {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
      for (;;) {
        const taken = takeFrame(pending, MAX_FRAME_BYTES)
        if (taken === undefined) break
        pending = pending.subarray(taken.length)
        yield taken.frame
        if (!this.#socket.writable) return
      }
    }
  }

  /** An MCS message. */
  sendMcs(message: Uint8Array): void {
    this.send(encodeDataTpdu(message))
  }

  /** A message on the I/O channel: licence, share control PDUs. */
  sendIo(data: Uint8Array): void {
    this.sendMcs(encodeSendData(data))
  }

  /** Raw bytes, for fast-path. Silently nothing after the end: timers may come late. */
  send(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes)
  }
}
