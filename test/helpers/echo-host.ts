import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

/** A host that sends back whatever it gets: shows that bytes still flow both ways. */
export interface EchoHost {
  host: string
  port: number
  stop(): void
}

export async function startEchoHost(): Promise<EchoHost> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return {
    host: '127.0.0.1',
    port: address.port,
    stop() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
