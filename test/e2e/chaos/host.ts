import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import type { Plan } from './plan.ts'

/** The machine behind the node: it echoes, and behaves towards each client as that session's plan says. */
export interface ChaosHost {
  port: number
  /** Connections that nobody has closed yet. */
  readonly open: number
  /** Bytes that no client has sent. */
  readonly faults: readonly string[]
  close(): void
}

/** @param planOf the session of a connection, told by the address it comes from */
export async function startChaosHost(planOf: (address: string) => Plan): Promise<ChaosHost> {
  const sockets = new Set<Socket>()
  const faults: string[] = []
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    serve(socket, planOf(socket.remoteAddress ?? ''), (fault) => faults.push(fault))
  })
  server.listen({ host: '127.0.0.1', port: 0, backlog: 512 })
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return {
    port: address.port,
    get open() {
      return sockets.size
    },
    faults,
    close: () => void server.close(),
  }
}

function serve(socket: Socket, { index, payload, host }: Plan, fault: (text: string) => void) {
  const { pause, end } = host
  let received = 0
  let paused = false
  socket.on('data', (bytes: Buffer) => {
    if (!bytes.equals(payload.subarray(received, received + bytes.length))) {
      fault(`session ${index}: the host got bytes at ${received} that were not sent`)
    }
    received += bytes.length
    if (socket.writable && !socket.write(bytes)) {
      socket.pause()
      socket.once('drain', () => socket.resume())
    }
    if (pause !== undefined && received > pause.afterBytes && !paused) {
      paused = true
      socket.pause()
      setTimeout(() => socket.resume(), pause.ms)
    }
    if (end !== undefined && received > end.afterBytes) {
      if (end.by === 'end') socket.end()
      else socket.resetAndDestroy()
    }
  })
}
