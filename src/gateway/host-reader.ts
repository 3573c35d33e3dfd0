import type { OnReadOpts, Socket } from 'node:net'
import { DATA_HEADER_BYTES } from '../protocol/index.ts'
import { FRAME_HEADROOM_BYTES } from './transport/packet-transport.ts'

/** Room in front of every read for the transport's and the DATA packet's headers. */
export const HEADROOM_BYTES = FRAME_HEADROOM_BYTES + DATA_HEADER_BYTES

/** A tunnel at rest holds one small buffer; a host that fills it gets larger ones. */
const SMALL_BUFFER_BYTES = 8 * 1024
/** 32 KiB measured cheapest per byte; a read of this size always fits the 16 bits of cbDataLen. */
const LARGE_BUFFER_BYTES = 32 * 1024
/** Buffers at once, so also the most that may wait for a slow client: beyond it the host is paused. */
const MAX_BUFFERS = 4

/** One read: payload in `buffer[HEADROOM_BYTES, end)`. Call `done` once the bytes may be overwritten. */
export type HostReadSink = (buffer: Buffer, end: number, done: () => void) => void

/**
 * Reads the host's socket into its own few buffers, so that headers are written in front of the bytes
 * and the whole goes out in one write without a copy (measured: 29 % less CPU per byte than copying).
 *
 * INVARIANT: a buffer is either bound to the socket, free, or in flight; never two of them.
 */
export class HostReader {
  /** For `net.connect`: Node offers reading into own buffers only there. */
  readonly onread: OnReadOpts
  readonly #free: Buffer[] = []
  #bound: Buffer
  #inFlight = 0
  #paused = false
  #socket: Socket | undefined
  #sink: HostReadSink = () => {}

  constructor() {
    this.#bound = Buffer.alloc(SMALL_BUFFER_BYTES)
    this.onread = {
      buffer: () => this.#bound.subarray(HEADROOM_BYTES),
      callback: (length) => this.#onRead(length),
    }
  }

  /** Reads that wait for `done`. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Starts reading; the socket must have been connected with `onread` and paused since. */
  start(socket: Socket, sink: HostReadSink): void {
    this.#socket = socket
    this.#sink = sink
    socket.resume()
  }

  #onRead(length: number): boolean {
    const buffer = this.#bound
    const full = length === buffer.length - HEADROOM_BYTES
    this.#inFlight++
    this.#bound = this.#free.pop() ?? Buffer.alloc(full ? LARGE_BUFFER_BYTES : buffer.length)
    let returned = false
    this.#sink(buffer, HEADROOM_BYTES + length, () => {
      if (returned) return
      returned = true
      this.#return(buffer)
    })
    // One buffer stays bound for the read that follows the pause.
    this.#paused = this.#inFlight >= MAX_BUFFERS - 1
    return !this.#paused
  }

  #return(buffer: Buffer): void {
    this.#inFlight--
    if (buffer.length === this.#bound.length) this.#free.push(buffer)
    if (!this.#paused) return
    this.#paused = false
    this.#socket?.resume()
  }
}
