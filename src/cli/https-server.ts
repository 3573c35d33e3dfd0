import type { RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'
import {
  BrokerError,
  type Endpoint,
  errorText,
  formatEndpoint,
  limitHttpConnections,
} from '../lib/index.ts'

/** A deadline for every phase of a connection, in milliseconds, and how many there may be. */
export interface HttpsLimits {
  handshakeMs: number
  /** From the handshake, or the answer before, to the end of a request's head. */
  headersMs: number
  /** One request, head and body; the largest is a few kilobytes. */
  requestMs: number
  /** Between two requests. */
  keepAliveMs: number
  /** Without a byte in either direction: a client that takes no answer holds its place no longer. */
  inactiveMs: number
  /** How often Node looks at the times of heads and requests: they end so much later at most. */
  checkEveryMs: number
  /** How long running requests may take once the server closes. */
  closeGraceMs: number
  /**
   * A browser and a panel use a few each; each one costs about 50 kB with its TLS state. Past it the one that has been
   * silent for longest makes room.
   */
  maxConnections: number
}

export const DEFAULT_HTTPS_LIMITS: HttpsLimits = {
  handshakeMs: 10_000,
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 5_000,
  inactiveMs: 60_000,
  checkEveryMs: 5_000,
  closeGraceMs: 3_000,
  maxConnections: 2_000,
}

export interface HttpsServerOptions {
  listen: Endpoint
  certificatePem: string
  privateKeyPem: string
  handler: RequestListener
  /** Those that differ from the usual ones. */
  limits?: Partial<HttpsLimits>
}

export interface HttpsServer {
  /** Where it listens, with the port that port 0 became. */
  address: Endpoint
  /** Lets running requests finish for `closeGraceMs`. */
  close(): Promise<void>
}

/**
 * HTTPS with TLS 1.2 or later and a deadline for every phase of a request.
 *
 * @throws BrokerError `ERR_START` naming the address when it cannot listen there
 */
export async function startHttpsServer({
  listen,
  certificatePem,
  privateKeyPem,
  handler,
  ...options
}: HttpsServerOptions): Promise<HttpsServer> {
  const limits = { ...DEFAULT_HTTPS_LIMITS, ...options.limits }
  const server = createServer(
    {
      cert: certificatePem,
      key: privateKeyPem,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: limits.handshakeMs,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: limits.checkEveryMs,
    },
    handler,
  )
  const places = limitHttpConnections(server, limits.maxConnections)
  server.setTimeout(limits.inactiveMs)
  const port = await listenOn(server, listen)
  return {
    address: { host: listen.host, port },
    close: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => places.destroyAll(), limits.closeGraceMs)
        server.close(() => {
          clearTimeout(timer)
          resolve()
        })
        places.destroySilent()
      }),
  }
}

function listenOn(server: Server, listen: Endpoint): Promise<number> {
  return new Promise((resolve, reject) => {
    // Stays after the start: an accept that fails then (out of descriptors) costs that one client only.
    server.on('error', (error) => {
      const reason = 'code' in error && error.code === 'EADDRINUSE' ? 'in use' : errorText(error)
      reject(
        new BrokerError('ERR_START', `listen on ${formatEndpoint(listen)}: ${reason}`, {
          cause: error,
        }),
      )
    })
    server.listen(listen.port, listen.host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : listen.port)
    })
  })
}
