import type { Socket } from 'node:net'
import { Refusal } from '../../lib/index.ts'
import type { Flow } from '../transport/packet-inbox.ts'
import type { Direction } from './direction.ts'
import type { FirstBytes } from './first-bytes.ts'

/** Client to host: nothing passes before the first bytes are proven; a slow host pauses the client. */
export class ToHost implements Direction {
  /** Payload that has passed. */
  bytes = 0
  taken = 0
  #stalled = false
  readonly #socket: Socket
  readonly #firstBytes: FirstBytes
  readonly #client: Flow
  readonly #maxQueuedBytes: number

  constructor(socket: Socket, firstBytes: FirstBytes, client: Flow, maxQueuedBytes: number) {
    this.#socket = socket
    this.#firstBytes = firstBytes
    this.#client = client
    this.#maxQueuedBytes = maxQueuedBytes
    socket.on('drain', () => this.#onDrain())
  }

  get waiting(): boolean {
    return this.#stalled
  }

  /** The host's socket has taken all bytes that were pushed. */
  get written(): boolean {
    return this.#socket.writableLength === 0
  }

  /** @throws Refusal from the first bytes, or `slow-peer` past the cap */
  push(payload: Uint8Array): void {
    const bytes = this.#firstBytes.push(payload)
    if (bytes === undefined || bytes.length === 0 || !this.#socket.writable) return
    this.bytes += bytes.length
    if (!this.#socket.write(bytes)) {
      this.#stalled = true
      this.#client.pause()
    }
    if (this.#socket.writableLength > this.#maxQueuedBytes) {
      throw new Refusal('slow-peer', `host: ${this.#socket.writableLength} bytes wait for it`)
    }
  }

  #onDrain(): void {
    this.taken++
    this.#stalled = false
    this.#client.resume()
  }
}
