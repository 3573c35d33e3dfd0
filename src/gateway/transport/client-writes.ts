import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** From here on a copy costs more than another turn of the event loop. */
const LARGE_BYTES = 16 * 1024

interface Write {
  bytes: Uint8Array
  done: () => void
}

/**
 * What goes to a client, in order. Node gathers what is written while a write is under way, and copies it into
 * one piece for TLS: good for small packets, and a waste for large ones, which therefore wait here until the
 * one before them is out (host to client, one tunnel: 8 % less CPU per byte).
 */
export class ClientWrites {
  readonly #socket: Socket
  readonly #largeBytes: number
  /** A few at most, since a host is read only as fast as its packets leave. */
  #waiting: Write[] = []
  #waitingBytes = 0
  /** Writes that the socket has and has not finished. */
  #underWay = 0

  constructor(socket: Socket) {
    this.#socket = socket
    this.#largeBytes = socket instanceof TLSSocket ? LARGE_BYTES : Number.POSITIVE_INFINITY
  }

  /** Bytes that the client has not taken. */
  get queuedBytes(): number {
    return this.#socket.writableLength + this.#waitingBytes
  }

  /** @param done called once the bytes may be overwritten, also when the socket has failed */
  write(bytes: Uint8Array, done: () => void = () => {}): void {
    const mustWait = this.#waiting.length > 0 || bytes.length >= this.#largeBytes
    if (this.#underWay === 0 || !mustWait) {
      this.#pass({ bytes, done })
    } else {
      this.#waiting.push({ bytes, done })
      this.#waitingBytes += bytes.length
    }
  }

  /** The socket gets all that waits, since it is to end behind it. */
  flush(): void {
    for (const write of this.#takeWaiting()) this.#pass(write)
  }

  #pass({ bytes, done }: Write): void {
    if (!this.#socket.writable) {
      done()
      return
    }
    this.#underWay++
    this.#socket.write(bytes, () => {
      this.#underWay--
      done()
      if (this.#underWay > 0) return
      for (const waiting of this.#takeWaiting()) this.write(waiting.bytes, waiting.done)
    })
  }

  #takeWaiting(): Write[] {
    const waiting = this.#waiting
    if (waiting.length > 0) this.#waiting = []
    this.#waitingBytes = 0
    return waiting
  }
}
