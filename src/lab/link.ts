import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Endpoint } from '../lib/index.ts'

/** The wire between a node and its broker, which can break and heal. */
export interface Link {
  /** What the node dials in place of the broker. */
  address: Endpoint
  /** Whether bytes pass. */
  readonly whole: boolean
  /** Resets what is connected, and accepts nothing. */
  cut(): void
  /** Stays connected and swallows what comes: a broker that hangs. */
  stall(): void
  mend(): void
  close(): void
}

export async function openLink(broker: Endpoint): Promise<Link> {
  const sockets = new Set<Socket>()
  let state: 'whole' | 'cut' | 'stalled' = 'whole'
  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    return socket.on('error', () => {}).once('close', () => sockets.delete(socket))
  }
  const pass = (from: Socket, to: Socket): void => {
    from.on('data', (bytes) => {
      if (state !== 'stalled') to.write(bytes)
    })
    from.once('close', () => to.destroy())
  }
  const reset = (): void => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  const server = createServer((front) => {
    keep(front)
    if (state === 'cut') {
      front.resetAndDestroy()
      return
    }
    const back = keep(connect(broker))
    pass(front, back)
    pass(back, front)
  })
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  // A TCP server's address is an object while it listens.
  const { port } = server.address() as AddressInfo
  return {
    address: { host: '127.0.0.1', port },
    get whole() {
      return state === 'whole'
    },
    cut() {
      state = 'cut'
      reset()
    },
    stall() {
      state = 'stalled'
    },
    mend() {
      // What it has swallowed is missing from the stream: both ends begin anew.
      reset()
      state = 'whole'
    },
    close() {
      server.close()
      reset()
    },
  }
}
