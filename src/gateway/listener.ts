import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { BrokerError, type Endpoint, formatEndpoint, type Log } from '../lib/index.ts'
import { normalizeAddress } from '../tokens/index.ts'
import type { Limits } from './limits.ts'
import { Quota } from './quota.ts'

/** An accepted client connection with TLS done; nothing has been read. */
export interface ClientConnection {
  socket: TLSSocket
  /** The client's own address, IPv4 unmapped. */
  remoteAddress: string
}

export interface ListenerOptions {
  address: Endpoint
  tls: { certificatePem: string; privateKeyPem: string }
  limits: Limits
  log: Log
  onConnection(connection: ClientConnection): void
}

export interface Listener {
  /** @returns `host:port` as bound */
  listen(): Promise<string>
  /** Stops accepting; connections that live go on. */
  stop(): void
  /** Destroys whatever connection is left, in TLS handshake or later. */
  destroyAll(): void
}

const KEEP_ALIVE_AFTER_MS = 30_000

/**
 * One TLS listener. It is no `node:https` server, since Node's HTTP parser refuses the `RDG_` methods and
 * its timers end long requests: whoever takes the connection reads the request head itself.
 */
export function createListener(options: ListenerOptions): Listener {
  const { address, tls, limits, log, onConnection } = options
  const server = createServer({
    cert: tls.certificatePem,
    key: tls.privateKeyPem,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: limits.requestHeadTimeoutMs,
    // A client's FIN is ours to answer: Node would end our half before the last packet is out.
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
  })
  const quota = new Quota(limits.maxConnections, limits.maxConnectionsPerAddress)
  const accepted = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    const release = quota.take(normalizeAddress(socket.remoteAddress ?? '') ?? '')
    if (release === undefined) {
      socket.destroy()
      return
    }
    accepted.add(socket)
    socket.once('close', () => {
      accepted.delete(socket)
      release()
    })
  })
  server.on('secureConnection', (socket) => {
    // From the first moment: a reset before anybody listens must not end the process.
    socket.on('error', () => {})
    const remoteAddress = normalizeAddress(socket.remoteAddress ?? '')
    // Reset since it was accepted: there is nobody to serve.
    if (remoteAddress === undefined) socket.destroy()
    else onConnection({ socket, remoteAddress })
  })
  server.on('tlsClientError', (error, socket) => {
    log.debug('connection.failed', { remoteAddress: socket.remoteAddress, error: error.message })
    socket.destroy()
  })
  return {
    listen: () => listen(server, address),
    stop: () => void server.close(),
    destroyAll: () => {
      for (const socket of accepted) socket.destroy()
    },
  }
}

function listen(server: Server, { host, port }: Endpoint): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      const where = formatEndpoint({ host, port })
      reject(
        new BrokerError('ERR_START', `cannot listen on ${where}: ${error.message}`, {
          cause: error,
        }),
      )
    }
    server.once('error', fail)
    server.listen({ host, port }, () => {
      server.off('error', fail)
      // After start-up an accept that fails (out of descriptors) costs that one client only.
      server.on('error', () => {})
      resolve(formatEndpoint({ host, port: boundPort(server) ?? port }))
    })
  })
}

function boundPort(server: Server): number | undefined {
  const address = server.address()
  return typeof address === 'object' ? address?.port : undefined
}
