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

  /** Payload of one packet; it leaves with the next `flush`. @throws Refusal from the first bytes */
  push(payload: Uint8Array): void {
    const bytes = this.#firstBytes.push(payload)
    if (bytes === undefined || bytes.length === 0 || !this.#socket.writable) return
    this.bytes += bytes.length
    if (this.#socket.writableCorked === 0) this.#socket.cork()
    this.#socket.write(bytes)
  }

  /**
   * Everything that was pushed goes to the host in one write.
   *
   * @returns whether the host's socket has taken all of it
   * @throws Refusal `slow-peer` when more waits than may
   */
  flush(): boolean {
    this.#socket.uncork()
    const { writableLength } = this.#socket
    if (writableLength > this.#maxQueuedBytes) {
      throw new Refusal('slow-peer', `host: ${writableLength} bytes wait for it`)
    }
    // What the socket has taken at once needs no pause, however much it was.
    if (writableLength > 0 && this.#socket.writableNeedDrain) {
      this.#stalled = true
      this.#client.pause()
    }
    return writableLength === 0
  }

  #onDrain(): void {
    this.taken++
    if (!this.#stalled) return
    this.#stalled = false
    this.#client.resume()
  }
}
