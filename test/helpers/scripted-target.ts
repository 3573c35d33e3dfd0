import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { withDeadline } from '../../src/lib/index.ts'

const WITHIN_MS = 15_000

/** A hypervisor host that does as a test says: accepts and waits, answers, floods, resets. */
export interface ScriptedTarget {
  port: number
  /** Every connection so far. */
  readonly connections: readonly TargetConnection[]
  /** The connection that comes next, or came since the last call. */
  next(): Promise<TargetConnection>
  /** Refuses further connections: the port is closed. */
  refuse(): void
  close(): void
}

export class TargetConnection {
  readonly socket: Socket
  /** Resolves when the connection is gone, by whomever it was closed. */
  readonly closed: Promise<unknown>
  #received: Buffer = Buffer.alloc(0)
  #wake = Promise.withResolvers<void>()

  constructor(socket: Socket) {
    this.socket = socket
    this.closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes])
      this.#wake.resolve()
    })
    socket.on('close', () => this.#wake.resolve())
  }

  /** All that has come from the gateway so far. */
  get received(): Buffer {
    return this.#received
  }

  /** Waits until at least so many bytes have come, and returns all that have. */
  async receive(length: number): Promise<Buffer> {
    const wait = async (): Promise<void> => {
      while (this.#received.length < length) {
        if (this.socket.destroyed) throw new Error(`closed after ${this.#received.length} bytes`)
        await this.#wake.promise
        this.#wake = Promise.withResolvers()
      }
    }
    await withDeadline(wait(), WITHIN_MS, `${length} bytes at the target`)
    return this.#received
  }
}

/**
 * @param behave called for each connection; without it the target accepts and stays silent
 * @param at any free port of 127.0.0.1 unless told
 */
export async function startTarget(
  behave: (connection: TargetConnection) => void = () => {},
  at: { host?: string; port?: number } = {},
): Promise<ScriptedTarget> {
  const connections: TargetConnection[] = []
  let taken = 0
  let arrived = Promise.withResolvers<void>()
  const server = createServer({ noDelay: true }, (socket) => {
    const connection = new TargetConnection(socket)
    connections.push(connection)
    arrived.resolve()
    arrived = Promise.withResolvers()
    behave(connection)
  })
  server.listen({ host: '127.0.0.1', port: 0, ...at })
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return {
    port: address.port,
    connections,
    async next() {
      if (connections.length <= taken) {
        await withDeadline(arrived.promise, WITHIN_MS, 'a connection at the target')
      }
      const connection = connections[taken]
      if (connection === undefined) throw new Error('the target has no such connection')
      taken += 1
      return connection
    },
    refuse: () => void server.close(),
    close() {
      server.close()
      for (const { socket } of connections) socket.destroy()
    },
  }
}
