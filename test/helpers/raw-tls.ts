import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { withDeadline } from '../../src/lib/index.ts'

/**
 * "Close" in the checklist means within 2 s, and answers are due as fast. A busy machine has more, but less than
 * any of a node's own limits gives (10 s and up), so that none of them is taken for it.
 */
export const CLOSE_MS = 8_000

export interface RawTlsOptions {
  port: number
  /** PEM of the authority behind the server's certificate. */
  ca: string
  localAddress?: string
  ALPNProtocols?: string[]
  /** Keep our half open when the server ends its half. */
  allowHalfOpen?: boolean
  /** The longest wait for bytes or for the end; `CLOSE_MS` unless told. */
  withinMs?: number
}

/** A TLS connection that sends any bytes at any split, and reads as many as a test asks for. */
export class RawTls {
  readonly socket: TLSSocket
  /** Resolves when the connection is closed, by whomever. */
  readonly closed: Promise<void>
  readonly #tcp: Socket
  readonly #withinMs: number
  #received: Buffer = Buffer.alloc(0)
  #ended = false
  #wake = Promise.withResolvers<void>()

  private constructor(socket: TLSSocket, tcp: Socket, withinMs = CLOSE_MS) {
    this.socket = socket
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    this.#tcp = tcp
    this.#withinMs = withinMs
    const end = (): void => {
      this.#ended = true
      this.#wake.resolve()
    }
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes])
      this.#wake.resolve()
    })
    socket.on('end', end).on('close', end)
  }

  static async open(options: RawTlsOptions): Promise<RawTls> {
    const { port, ca, localAddress, ALPNProtocols, allowHalfOpen = false, withinMs } = options
    const tcp = connectTcp({
      host: '127.0.0.1',
      port,
      noDelay: true,
      allowHalfOpen,
      ...(localAddress === undefined ? {} : { localAddress }),
    })
    const socket = connectTls({
      socket: tcp,
      ca,
      servername: 'localhost',
      ...(ALPNProtocols === undefined ? {} : { ALPNProtocols }),
    })
    // A port that is closed is told to the TCP socket only.
    tcp.on('error', (error) => socket.destroy(error))
    const connection = new RawTls(socket, tcp, withinMs)
    await once(socket, 'secureConnect')
    return connection
  }

  /** What has come and was not read yet. */
  get buffered(): Buffer {
    return this.#received
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes)
  }

  /** Each piece in TLS records of its own. */
  async writeEach(pieces: Iterable<Uint8Array>): Promise<void> {
    for (const piece of pieces) {
      await new Promise<void>((resolve) => this.socket.write(piece, () => resolve()))
    }
  }

  async read(length: number): Promise<Buffer> {
    await this.#until(() => this.#received.length >= length, `${length} bytes`)
    return this.#take(length)
  }

  /** Whatever is there, at least one byte. */
  async readSome(): Promise<Buffer> {
    await this.#until(() => this.#received.length > 0, 'a byte')
    return this.#take(this.#received.length)
  }

  /** A response head as text, with its blank line. */
  async readHead(): Promise<string> {
    await this.#until(() => this.#received.includes('\r\n\r\n'), 'a response head')
    return this.#take(this.#received.indexOf('\r\n\r\n') + 4).toString('latin1')
  }

  /** What comes until the server has closed, which must be soon. */
  async readToEnd(): Promise<Buffer> {
    await this.#until(() => this.#ended, 'the end')
    return this.#take(this.#received.length)
  }

  /** What comes within this time, though the connection stays open; usually nothing is expected. */
  async readFor(milliseconds: number): Promise<Buffer> {
    await new Promise((resolve) => setTimeout(resolve, milliseconds))
    if (this.#ended) throw new Error('the connection was closed')
    return this.#take(this.#received.length)
  }

  /** Closes with TCP RST, without a TLS alert. */
  reset(): void {
    this.#tcp.resetAndDestroy()
  }

  async #until(enough: () => boolean, what: string): Promise<void> {
    const wait = async (): Promise<void> => {
      while (!enough()) {
        if (this.#ended) throw new Error(`closed before ${what}: ${this.#received.length} bytes`)
        await this.#wake.promise
        this.#wake = Promise.withResolvers()
      }
    }
    await withDeadline(wait(), this.#withinMs, what)
  }

  #take(length: number): Buffer {
    const bytes = this.#received.subarray(0, length)
    this.#received = this.#received.subarray(length)
    return bytes
  }
}
