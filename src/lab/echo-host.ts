import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { BrokerError, type Endpoint, errorText, formatEndpoint } from '../lib/index.ts'

/** A host that sends back what it gets. */
export interface EchoHost {
  /** As bound. */
  address: Endpoint
  close(): void
}

/** A laboratory's tunnels, and some more. */
const MAX_CONNECTIONS = 256
/** Longer than a laboratory's session. */
const IDLE_TIMEOUT_MS = 15 * 60_000

/** @throws BrokerError `ERR_START` when the address can't be taken */
export async function startEchoHost(listen: Endpoint): Promise<EchoHost> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy())
    socket.on('error', () => {}).once('close', () => sockets.delete(socket))
    socket.pipe(socket)
  })
  server.maxConnections = MAX_CONNECTIONS
  server.listen(listen)
  try {
    await once(server, 'listening')
  } catch (error) {
    const message = `${formatEndpoint(listen)}: ${errorText(error)}`
    throw new BrokerError('ERR_START', message, { cause: error })
  }
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new TypeError('no port')
  return {
    address: { host: bound.address, port: bound.port },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
