import type { RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'
import { BrokerError, type Endpoint, errorText, formatEndpoint } from '../lib/index.ts'

/** A deadline for every phase of a connection, in milliseconds. */
export interface Timeouts {
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
}

const TIMEOUTS: Timeouts = {
  handshakeMs: 10_000,
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 5_000,
  inactiveMs: 60_000,
  checkEveryMs: 5_000,
}
/** A browser and a panel use a few each; each one costs about 50 kB with its TLS state. */
const MAX_CONNECTIONS = 2_000
/** How long running requests may take once the server closes. */
const CLOSE_GRACE_MS = 3_000

export interface HttpsServerOptions {
  listen: Endpoint
  certificatePem: string
  privateKeyPem: string
  handler: RequestListener
  /** Those that differ from the usual ones. */
  timeouts?: Partial<Timeouts>
}

export interface HttpsServer {
  /** Where it listens, with the port that port 0 became. */
  address: Endpoint
  /** Lets running requests finish for 3 s. */
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
  timeouts,
}: HttpsServerOptions): Promise<HttpsServer> {
  const { handshakeMs, headersMs, requestMs, keepAliveMs, inactiveMs, checkEveryMs } = {
    ...TIMEOUTS,
    ...timeouts,
  }
  const server = createServer(
    {
      cert: certificatePem,
      key: privateKeyPem,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: handshakeMs,
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: checkEveryMs,
    },
    handler,
  )
  server.maxConnections = MAX_CONNECTIONS
  server.setTimeout(inactiveMs)
  const port = await listenOn(server, listen)
  return { address: { host: listen.host, port }, close: () => close(server) }
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

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    server.closeIdleConnections()
  })
}
