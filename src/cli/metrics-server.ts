import { createServer, type RequestListener, type Server } from 'node:http'
import {
  BrokerError,
  type Endpoint,
  errorText,
  formatEndpoint,
  limitHttpConnections,
  type Metrics,
} from '../lib/index.ts'

export interface MetricsLimits {
  /** One collector or two ask every few seconds. Past it the one that has been silent for longest makes room. */
  maxConnections: number
  /** From TCP accept, or the answer before, to the end of a request, in milliseconds. */
  headersMs: number
  /** Without a byte in either direction. */
  inactiveMs: number
  /** How often Node looks at the times of requests: they end so much later at most. */
  checkEveryMs: number
}

export const DEFAULT_METRICS_LIMITS: MetricsLimits = {
  maxConnections: 32,
  headersMs: 5_000,
  inactiveMs: 10_000,
  checkEveryMs: 1_000,
}

export interface MetricsServer {
  address: Endpoint
  close(): Promise<void>
}

export interface MetricsServerOptions {
  /** Those that differ from {@link DEFAULT_METRICS_LIMITS}. */
  limits?: Partial<MetricsLimits>
  /** Whether the role takes work: then `/healthz` and `/readyz` are answered as well. */
  ready?: () => boolean
}

/**
 * Answers `GET /metrics`, and `/healthz` and `/readyz` for a role that has no other place for them, to whoever can reach it: keep it on loopback or on a network
 * for monitoring.
 *
 * @throws BrokerError `ERR_START` naming the address when it cannot listen there
 */
export async function startMetricsServer(
  listen: Endpoint,
  metrics: Metrics,
  { limits = {}, ready }: MetricsServerOptions = {},
): Promise<MetricsServer> {
  const { maxConnections, headersMs, inactiveMs, checkEveryMs } = {
    ...DEFAULT_METRICS_LIMITS,
    ...limits,
  }
  const server = createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: headersMs,
      connectionsCheckingInterval: checkEveryMs,
    },
    answer(metrics, ready),
  )
  const places = limitHttpConnections(server, maxConnections)
  server.setTimeout(inactiveMs)
  const port = await listenOn(server, listen)
  return {
    address: { host: listen.host, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        places.destroyAll()
      }),
  }
}

function answer(metrics: Metrics, ready: MetricsServerOptions['ready']): RequestListener {
  const checks = new Map(
    ready && [
      ['/healthz', () => true],
      ['/readyz', ready],
    ],
  )
  return ({ method, url = '' }, response) => {
    const check = checks.get(url)
    if (url !== '/metrics' && check === undefined) {
      response.writeHead(404, { Connection: 'close' }).end()
    } else if (method !== 'GET') {
      response.writeHead(405, { Allow: 'GET', Connection: 'close' }).end()
    } else if (check !== undefined) {
      response.writeHead(check() ? 200 : 503, { 'Cache-Control': 'no-store' }).end()
    } else {
      metrics.render().then(
        (text) => response.writeHead(200, { 'Content-Type': metrics.contentType }).end(text),
        () => response.writeHead(500, { Connection: 'close' }).end(),
      )
    }
  }
}

function listenOn(server: Server, listen: Endpoint): Promise<number> {
  return new Promise((resolve, reject) => {
    // Stays after the start: an accept that fails then costs that one collector only.
    server.on('error', (error) => {
      const message = `metrics: cannot listen on ${formatEndpoint(listen)}: ${errorText(error)}`
      reject(new BrokerError('ERR_START', message, { cause: error }))
    })
    server.listen(listen.port, listen.host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : listen.port)
    })
  })
}
