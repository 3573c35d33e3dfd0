import type { RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'
import { BrokerError, type Endpoint, errorText, formatEndpoint } from '../lib/index.ts'

/** Reading one request, head and body; the largest is a few kilobytes. */
const REQUEST_TIMEOUT_MS = 30_000
const HEADERS_TIMEOUT_MS = 10_000
const HANDSHAKE_TIMEOUT_MS = 10_000
const KEEP_ALIVE_TIMEOUT_MS = 5_000
/** A browser and a panel use a few each; each one costs about 50 kB with its TLS state. */
const MAX_CONNECTIONS = 2_000
/** How long running requests may take once the server closes. */
const CLOSE_GRACE_MS = 3_000

export interface HttpsServerOptions {
  listen: Endpoint
  certificatePem: string
  privateKeyPem: string
  handler: RequestListener
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
}: HttpsServerOptions): Promise<HttpsServer> {
  const server = createServer(
    {
      cert: certificatePem,
      key: privateKeyPem,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    },
    handler,
  )
  server.maxConnections = MAX_CONNECTIONS
  const port = await listenOn(server, listen)
  return { address: { host: listen.host, port }, close: () => close(server) }
}

function listenOn(server: Server, listen: Endpoint): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
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
