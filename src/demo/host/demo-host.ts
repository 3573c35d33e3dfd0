import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { BrokerError, type Clock, errorText, type Log } from '../../lib/index.ts'
import { MAX_VIEWERS } from './limits.ts'
import { Viewer } from './viewer.ts'
import { ErrorInfo } from './wire/finalization.ts'

export interface DemoHostOptions {
  /** The machine's name, large on its card. */
  name: string
  /** PEM; the key as PKCS#8. */
  tls: { certificatePem: string; privateKeyPem: string }
  /** Each connection begins with a PROXY v2 header, as a host agent writes it; default false. */
  proxied?: boolean
  clock: Clock
  log: Log
  /** Literal address; 127.0.0.1 when absent. */
  address?: string
  /** TCP port; any free one when absent. */
  port?: number
}

/** An RDP server with one machine on it. Several machines are several of these, each on its own port. */
export interface DemoHost {
  /** @throws BrokerError `ERR_START` when the address cannot be had */
  listen(): Promise<{ address: string; port: number }>
  /** Tells every viewer that the session was ended, and waits until all are gone (2 s at most). */
  close(): Promise<void>
}

/** @throws BrokerError `ERR_CERTIFICATE` when certificate or key cannot be used for TLS */
export function createDemoHost(options: DemoHostOptions): DemoHost {
  const { name, clock, log, proxied = false, address = '127.0.0.1', port = 0 } = options
  const secureContext = loadSecureContext(options.tls)
  const viewers = new Map<Viewer, Promise<void>>()

  const accept = (socket: Socket) => {
    const remoteAddress = socket.remoteAddress ?? ''
    const viewerLog = log.child({ vm: name, remoteAddress })
    if (viewers.size >= MAX_VIEWERS) {
      viewerLog.warn('viewer.refused', { code: 'limit-reached' })
      socket.on('error', () => {})
      socket.destroy()
      return
    }
    const viewer = new Viewer(socket, { name, secureContext, proxied, clock, log: viewerLog })
    viewers.set(
      viewer,
      viewer.serve().finally(() => viewers.delete(viewer)),
    )
  }

  const server = createServer(accept)
  return {
    async listen() {
      await listening(server, { address, port })
      // A TCP server's address is an object; text is for pipes, null for servers that don't listen.
      const bound = server.address() as AddressInfo
      log.info('demo-host.listening', { vm: name, address: bound.address, port: bound.port })
      return { address: bound.address, port: bound.port }
    },
    async close() {
      const closed = server.listening ? once(server, 'close') : undefined
      server.close()
      for (const viewer of viewers.keys()) viewer.end(ErrorInfo.rpcInitiatedDisconnect)
      await Promise.all(viewers.values())
      await closed
    },
  }
}

function loadSecureContext(tls: DemoHostOptions['tls']): SecureContext {
  try {
    return createSecureContext({
      cert: tls.certificatePem,
      key: tls.privateKeyPem,
      minVersion: 'TLSv1.2',
    })
  } catch (error) {
    throw new BrokerError('ERR_CERTIFICATE', `demo host certificate: ${errorText(error)}`, {
      cause: error,
    })
  }
}

async function listening(server: Server, at: { address: string; port: number }): Promise<void> {
  try {
    server.listen({ host: at.address, port: at.port })
    await once(server, 'listening')
  } catch (error) {
    const where = `${at.address}:${at.port}`
    throw new BrokerError(
      'ERR_START',
      `demo host: cannot listen on ${where}: ${errorText(error)}`,
      {
        cause: error,
      },
    )
  }
}
