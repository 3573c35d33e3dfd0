import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

/** A TCP listener on loopback that does one thing with whoever comes. */
export interface TcpHost {
  address: '127.0.0.1'
  port: number
  /** Connections now. */
  readonly sockets: ReadonlySet<Socket>
  stop(): void
}

/** @param port a free one when 0 */
export async function startTcpHost(behave: (socket: Socket) => void, port = 0): Promise<TcpHost> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    behave(socket)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const listening = server.address()
  if (listening === null || typeof listening === 'string') throw new TypeError('no port')
  return {
    address: '127.0.0.1',
    port: listening.port,
    sockets,
    stop() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
