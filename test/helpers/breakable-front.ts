import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A host's front on loopback whose connections a test can break. */
export interface BreakableFront {
  address: '127.0.0.1'
  port: number
  /** Resets what is connected now, as a host that fails does; later connections pass again. */
  reset(): void
  stop(): void
}

/** Passes every connection on to `host`. */
export async function startBreakableFront(host: {
  address: string
  port: number
}): Promise<BreakableFront> {
  const fronts = new Set<Socket>()
  const backs = new Set<Socket>()
  const keep = (socket: Socket, among: Set<Socket>): void => {
    among.add(socket)
    socket.on('error', () => {}).once('close', () => among.delete(socket))
  }
  const server = createServer({ noDelay: true }, (front) => {
    const back = connect({ host: host.address, port: host.port, noDelay: true })
    keep(front, fronts)
    keep(back, backs)
    front.pipe(back).pipe(front)
    front.once('close', () => back.destroy())
    back.once('close', () => front.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const listening = server.address()
  if (listening === null || typeof listening === 'string') throw new TypeError('no port')
  return {
    address: '127.0.0.1',
    port: listening.port,
    reset() {
      for (const front of fronts) front.resetAndDestroy()
    },
    stop() {
      server.close()
      for (const socket of [...fronts, ...backs]) socket.destroy()
    },
  }
}
