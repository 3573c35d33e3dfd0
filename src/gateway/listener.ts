import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import {
  BrokerError,
  connectionName,
  type Endpoint,
  errorText,
  formatEndpoint,
  type Log,
} from '../lib/index.ts'
import { isInside, normalizeAddress } from '../tokens/index.ts'
import type { Connections } from './connections.ts'
import type { Limits } from './limits.ts'
import { readProxyHeader } from './proxied.ts'

/** An accepted client connection, with TLS done where the listener speaks it; nothing has been read. */
export interface ClientConnection {
  socket: Socket
  /** The client's own address, IPv4 unmapped. */
  remoteAddress: string
  /** The address is a balancer's, since nobody told the client's: nothing may be bound to it. */
  fromBalancer: boolean
  /** To be called once its request is there: until then it may have to make room for others. */
  heard(): void
}

export interface ListenerAddress {
  /** Port 0 takes a free one. */
  address: Endpoint
  /** Default true; without TLS only behind a balancer that ends it, on a network that is trusted. */
  tls?: boolean
  /** Whether each connection begins with a PROXY v2 header, in front of TLS; default `off`. */
  proxy?: 'off' | 'required'
  /** Addresses and networks of the balancers that may send the header. */
  from?: readonly string[]
}

export interface TlsFiles {
  /** Certificate, then its chain. */
  certificatePem: string
  privateKeyPem: string
}

export interface ListenerOptions extends ListenerAddress {
  certificate: TlsFiles
  /** `from` of every listener of the node: a connection of theirs without the header hides its client. */
  balancers: readonly string[]
  /** All connections of the node. */
  connections: Connections
  limits: Limits
  log: Log
  /** At which level to log the next of those who don't come from a balancer. */
  strangerLevel(): 'warn' | 'debug'
  onConnection(connection: ClientConnection): void
}

export interface Listener {
  /** @returns `host:port` as bound */
  listen(): Promise<string>
  /** For handshakes from now on. @throws Error for a certificate that TLS can't use; then the old one stays */
  replaceCertificate(certificate: TlsFiles): void
  /** Stops accepting; connections that live go on. */
  stop(): void
}

const KEEP_ALIVE_AFTER_MS = 30_000

/** Whose connection this is, as far as anybody knows. */
type Client = Pick<ClientConnection, 'remoteAddress' | 'fromBalancer'>

/**
 * One listener, in the order of the bytes: PROXY header where it is required, TLS where it is spoken. It
 * is no `node:https` server, since Node's HTTP parser refuses the `RDG_` methods and its timers end long
 * requests: whoever takes the connection reads the request head itself.
 */
export function createListener(options: ListenerOptions): Listener {
  const { address, tls: speaksTls = true, proxy = 'off', from = [] } = options
  const { balancers, connections, limits, log, strangerLevel, onConnection } = options
  /** Clients of connections in TLS handshake, whose secured socket knows only its peer. */
  const handshaking = new Map<string, Omit<ClientConnection, 'socket'>>()

  const secured = createTlsServer({
    ...secureContext(options.certificate),
    ALPNCallback: chooseProtocol,
    handshakeTimeout: limits.requestHeadTimeoutMs,
  })
  secured.on('secureConnection', (socket) => {
    // From the first moment: a reset before anybody listens must not end the process.
    socket.on('error', () => {})
    const name = connectionName(socket)
    const client = handshaking.get(name)
    handshaking.delete(name)
    // Reset since it was accepted: there is nobody to serve.
    if (client === undefined) {
      socket.destroy()
      return
    }
    socket.allowHalfOpen = true
    onConnection({ socket, ...client })
  })
  secured.on('tlsClientError', (error, socket) => {
    const client = handshaking.get(connectionName(socket))
    log.debug('connection.failed', { remoteAddress: client?.remoteAddress, error: error.message })
    socket.destroy()
  })

  const server = createServer({
    // A client's FIN is ours to answer: Node would end our half before the last packet is out.
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
  })
  server.on('connection', (socket) => {
    socket.on('error', () => {})
    const peer = normalizeAddress(socket.remoteAddress ?? '')
    if (peer === undefined || !connections.accept(socket)) {
      socket.destroy()
      return
    }
    if (proxy === 'off') {
      admit(socket, { remoteAddress: peer, fromBalancer: isAmong(peer, balancers) })
    } else {
      clientBehind(socket, peer).then(
        (client) => admit(socket, client),
        (error: unknown) => {
          log[strangerLevel()]('connection.refused', {
            remoteAddress: peer,
            error: errorText(error),
          })
          socket.destroy()
        },
      )
    }
  })

  /** The client that the balancer names; a balancer that names none is itself the client. */
  async function clientBehind(socket: Socket, peer: string): Promise<Client> {
    if (!isAmong(peer, from)) {
      throw new BrokerError('ERR_REFUSED', 'PROXY: the peer is no balancer of this listener')
    }
    const { source } = await readProxyHeader(socket, limits.proxyHeaderTimeoutMs)
    if (source === undefined) return { remoteAddress: peer, fromBalancer: true }
    return { remoteAddress: normalizeAddress(source.address) ?? peer, fromBalancer: false }
  }

  function admit(socket: Socket, client: Client): void {
    if (socket.destroyed || !connections.admit(socket, client.remoteAddress)) {
      socket.destroy()
      return
    }
    const known = { ...client, heard: () => connections.heard(socket) }
    if (speaksTls) {
      const name = connectionName(socket)
      socket.once('close', () => {
        // A client may come again from the port of a connection that it has reset and that we still hold.
        if (handshaking.get(name) === known) handshaking.delete(name)
      })
      handshaking.set(name, known)
      // A FIN within the handshake ends it; half open, it would stay until the handshake's time is over.
      socket.allowHalfOpen = false
      secured.emit('connection', socket)
    } else {
      onConnection({ socket, ...known })
    }
  }

  return {
    listen: () => listen(server, address),
    replaceCertificate: (certificate) => secured.setSecureContext(secureContext(certificate)),
    stop: () => void server.close(),
  }
}

function secureContext({ certificatePem, privateKeyPem }: TlsFiles) {
  return { cert: certificatePem, key: privateKeyPem, minVersion: 'TLSv1.2' } as const
}

/**
 * A list instead of this would be copied for every connection, into memory that Node's buffers share: 64 KiB stayed
 * for each twenty tunnels.
 *
 * @returns undefined when the client insists on others: Node ends the handshake with an alert
 */
function chooseProtocol({ protocols }: { protocols: string[] }): string | undefined {
  return protocols.find((protocol) => protocol === 'http/1.1')
}

function isAmong(address: string, networks: readonly string[]): boolean {
  return networks.some((network) => isInside(address, network))
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
