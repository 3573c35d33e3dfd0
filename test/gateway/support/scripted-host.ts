import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

/** A hypervisor host of the test: it accepts, remembers what it got, and does as the test says. */
export interface ScriptedHost {
  port: number
  connections: Socket[]
  /** The first connection, once it is there. */
  connection(): Promise<Socket>
  /** All bytes of the first connection so far. */
  received(): Buffer
  close(): void
}

export async function startHost(): Promise<ScriptedHost> {
  const connections: Socket[] = []
  const chunks: Buffer[] = []
  const first = Promise.withResolvers<Socket>()
  const server = createServer((socket) => {
    socket.on('error', () => {})
    if (connections.length === 0) socket.on('data', (bytes) => chunks.push(bytes))
    else socket.resume()
    connections.push(socket)
    first.resolve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return {
    port: address.port,
    connections,
    connection: () => first.promise,
    received: () => Buffer.concat(chunks),
    close: () => {
      server.close()
      for (const socket of connections) socket.destroy()
    },
  }
}
