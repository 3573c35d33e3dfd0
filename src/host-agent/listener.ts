import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net'
import { createServer as createTlsServer, type TLSSocket, Server as TlsServer } from 'node:tls'
import {
  BrokerError,
  type Clock,
  type Endpoint,
  errorText,
  formatEndpoint,
  type Log,
  limitConnections,
  strangerLevel,
} from '../lib/index.ts'
import type { AgentLimits } from './limits.ts'
import type { HostAgentOptions, NodeCertificate, NodeSecurity } from './options.ts'

export interface ListenerOptions {
  listen: Endpoint
  security: HostAgentOptions['security']
  limits: AgentLimits
  clock: Clock
  log: Log
  onConnection(socket: Socket, from: Dialled): void
}

export interface Dialled {
  /** Name in the node's certificate; undefined where there is none. */
  node: string | undefined
  /** To be called once its opening is there: until then it may have to make room for others. */
  heard(): void
}

export interface Listener {
  /** @throws BrokerError `ERR_START` */
  listen(): Promise<Endpoint>
  /**
   * Shows nodes another certificate, and takes those of another authority; open connections stay.
   *
   * @throws Error when TLS can't use it; without effect on a listener without TLS
   */
  replaceCertificate(certificate: NodeCertificate): void
  /** Takes no new connections. */
  stop(): void
}

/** Where nodes dial in: mutual TLS, or nothing at all around the bytes. */
export function createListener(options: ListenerOptions): Listener {
  const { security, limits, listen } = options
  const take = (socket: Socket, node?: string): void =>
    options.onConnection(socket, { node, heard: () => places.heard(socket) })
  const server = security === 'plain' ? plainServer(take) : tlsServer(options, security, take)
  const places = limitConnections(server, limits.maxConnections)
  return {
    listen: () => listenOn(server, listen),
    replaceCertificate(certificate) {
      if (server instanceof TlsServer) server.setSecureContext(secureContext(certificate))
    },
    stop: () => void server.close(),
  }
}

/** @param node name in its certificate */
type Take = (socket: Socket, node?: string) => void

function plainServer(take: Take): Server {
  return createTcpServer({ noDelay: true, pauseOnConnect: true }, (socket) => take(socket))
}

function tlsServer(
  { limits, clock, log }: ListenerOptions,
  { identify, ...certificate }: NodeSecurity,
  take: Take,
): Server {
  const level = strangerLevel(clock)
  const refuse = (socket: Socket, error: string): void => {
    log[level()]('host.refused', {
      reason: 'host-tls-mismatch',
      remoteAddress: socket.remoteAddress,
      error,
    })
    socket.destroy()
  }
  const server = createTlsServer(
    {
      ...secureContext(certificate),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: limits.handshakeMs,
      noDelay: true,
    },
    (socket: TLSSocket) => {
      socket.on('error', () => {})
      // INVARIANT: only certificates that TLS has verified against the control CA are asked for a name.
      const shown = socket.authorized ? socket.getPeerX509Certificate() : undefined
      const peer = shown && identify(shown.raw)
      if (peer?.role === 'node') return take(socket, peer.name)
      const found = peer === undefined ? 'no control peer' : `${peer.role} ${peer.name}`
      return refuse(socket, `certificate: need a node's, is of ${found}`)
    },
  )
  server.on('tlsClientError', (error, socket) => {
    socket.on('error', () => {})
    refuse(socket, errorText(error))
  })
  return server
}

function secureContext({ certificatePem, privateKeyPem, ca }: NodeCertificate) {
  return { cert: certificatePem, key: privateKeyPem, ca, minVersion: 'TLSv1.3' } as const
}

function listenOn(server: Server, listen: Endpoint): Promise<Endpoint> {
  return new Promise((resolve, reject) => {
    // Stays after the start: an accept that fails then costs that one connection only.
    server.on('error', (error) => {
      const message = `cannot listen on ${formatEndpoint(listen)}: ${errorText(error)}`
      reject(new BrokerError('ERR_START', message, { cause: error }))
    })
    server.listen({ host: listen.host, port: listen.port }, () => {
      // A TCP server's address is an object; text is for pipes, null for servers that don't listen.
      const { port } = server.address() as AddressInfo
      resolve({ host: listen.host, port })
    })
  })
}
