import type { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { WebSocket } from 'ws'
import {
  Allowance,
  BrokerError,
  type Endpoint,
  errorText,
  formatEndpoint,
  type Log,
  limitHttpConnections,
  monotonicClock,
  strangerLevel,
} from '../lib/index.ts'
import { encodeMessage } from './codec.ts'
import type { ControlEndOptions } from './end-options.ts'
import { type ControlLimits, DEFAULT_CONTROL_LIMITS } from './limits.ts'
import { PeerConnection, type PeerState } from './peer-connection.ts'
import type { ControlService, Peer, Push } from './service.ts'
import { MAX_BYTES_TO_BROKER } from './to-broker.ts'
import { CloseCode, CONTROL_PATH, createAcceptor } from './websocket.ts'

export interface ControlServerOptions extends ControlEndOptions {
  /** Port 0 takes a free one. */
  listen: Endpoint
  service: ControlService
}

export interface ControlServer {
  /** @throws BrokerError `ERR_START` */
  listen(): Promise<Endpoint>
  /** Peers that were welcomed and are still connected. */
  peers(): PeerState[]
  close(): Promise<void>
}

/** The broker's end of the control channel. */
export function createControlServer(options: ControlServerOptions): ControlServer {
  return new ControlListener(options)
}

class ControlListener implements ControlServer {
  readonly #options: ControlServerOptions
  readonly #limits: ControlLimits
  readonly #server: Server
  readonly #places: ReturnType<typeof limitHttpConnections>
  readonly #acceptor = createAcceptor(MAX_BYTES_TO_BROKER)
  readonly #connections = new Set<PeerConnection>()
  /** By role and name; the newest connection of each. */
  readonly #welcomed = new Map<string, PeerConnection>()
  /** By role and name, as many as the control CA has signed: whoever dials again has earned nothing by it. */
  readonly #allowances = new Map<string, Allowance>()
  readonly #unsubscribe: () => void

  constructor(options: ControlServerOptions) {
    this.#options = options
    this.#limits = { ...DEFAULT_CONTROL_LIMITS, ...options.limits }
    this.#server = createTlsServer(options, this.#limits)
    this.#places = limitHttpConnections(this.#server, this.#limits.maxConnections)
    this.#server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head))
    this.#unsubscribe = options.service.subscribe((message) => this.#push(message))
  }

  listen(): Promise<Endpoint> {
    return listenOn(this.#server, this.#options.listen)
  }

  peers(): PeerState[] {
    return [...this.#welcomed.values()].map(({ state }) => ({ ...state }))
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()))
    const connections = [...this.#connections]
    for (const connection of connections) connection.close(CloseCode.goingAway, 'this broker stops')
    this.#places.destroySilent()
    await Promise.all(connections.map(({ ended }) => ended))
    await closed
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // From the first moment: a reset before anybody listens must not end the process.
    socket.on('error', () => {})
    const caller = identifyPeer(request, this.#options.identify)
    if (typeof caller === 'object') {
      this.#places.heard(request.socket)
      this.#acceptor.accept(request, socket, head, (websocket) => {
        this.#open(caller, request.socket.remoteAddress ?? '', websocket)
      })
      return
    }
    const remoteAddress = request.socket.remoteAddress
    this.#options.log.warn('control.refused', { remoteAddress, error: caller })
    const refused = 'HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'
    // Nobody else would: to Node the connection is not one of its own any more.
    socket.end(refused, () => socket.destroy())
  }

  #open({ peer, certificate }: Caller, address: string, socket: WebSocket): void {
    const { service, clock } = this.#options
    const log = this.#options.log.child({
      peer: peer.name,
      peerRole: peer.role,
      remoteAddress: address,
    })
    const connection = new PeerConnection({
      peer,
      address,
      certificateNotAfterMs: certificate.validToDate.getTime(),
      socket,
      service,
      clock,
      log,
      limits: this.#limits,
      allowance: this.#allowanceOf(peer),
      onWelcome: () => {
        log.info('control.connected', { software: connection.state.software })
        this.#onWelcome(connection)
      },
    })
    this.#connections.add(connection)
    void connection.ended.then((cause) => {
      log.info('control.disconnected', { error: errorText(cause) })
      return this.#onEnded(connection, log)
    })
  }

  #allowanceOf(peer: Peer): Allowance {
    const key = keyOf(peer)
    const known = this.#allowances.get(key)
    if (known !== undefined) return known
    const { workBurst: burst, workPerSecond: perSecond } = this.#limits
    const allowance = new Allowance({ burst, perSecond, clock: monotonicClock })
    this.#allowances.set(key, allowance)
    return allowance
  }

  #onWelcome(connection: PeerConnection): void {
    const key = keyOf(connection.state)
    // A node that lost its connection dials again before we notice the loss.
    this.#welcomed.get(key)?.close(CloseCode.replaced, 'the same peer has connected again')
    this.#welcomed.set(key, connection)
  }

  async #onEnded(connection: PeerConnection, log: Log): Promise<void> {
    this.#connections.delete(connection)
    const { name, role } = connection.state
    const key = keyOf({ name, role })
    if (this.#welcomed.get(key) !== connection) return
    this.#welcomed.delete(key)
    try {
      await this.#options.service.left({ name, role })
    } catch (error) {
      log.error('control.failed', { work: 'left', error: errorText(error) })
    }
  }

  #push(message: Push): void {
    if (message.type === 'refresh') {
      this.#welcomed.get(keyOf({ role: 'node', name: message.node }))?.refresh()
      return
    }
    if (message.type === 'addressed') {
      const { to, message: own } = message
      this.#welcomed.get(keyOf(to))?.push(own, encodeMessage(own))
      return
    }
    const text = encodeMessage(message)
    for (const connection of this.#welcomed.values()) {
      if (message.type === 'probe' && connection.state.role !== 'node') continue
      connection.push(message, text)
    }
  }
}

interface Caller {
  peer: Peer
  certificate: X509Certificate
}

function createTlsServer(
  { tls, ca, clock, log }: ControlServerOptions,
  { handshakeMs }: ControlLimits,
): Server {
  const server = createServer(
    {
      cert: tls.certificatePem,
      key: tls.privateKeyPem,
      ca,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: handshakeMs,
      headersTimeout: handshakeMs,
      requestTimeout: handshakeMs,
      // Node looks every 30 s unless told: the limit would be four times what it says.
      connectionsCheckingInterval: handshakeMs / 10,
    },
    (_request, response) => response.writeHead(404, { Connection: 'close' }).end(),
  )
  const level = strangerLevel(clock)
  server.on('tlsClientError', (error, socket) => {
    log[level()]('control.refused', {
      remoteAddress: socket.remoteAddress,
      error: errorText(error),
    })
    socket.destroy()
  })
  return server
}

/**
 * The peer behind an upgrade request, or why it is none.
 * INVARIANT: only certificates that TLS has verified against the control CA are asked for a name.
 */
function identifyPeer(
  { url, socket }: IncomingMessage,
  identify: ControlServerOptions['identify'],
): Caller | string {
  if (url !== CONTROL_PATH) return 'path: unknown'
  if (!(socket instanceof TLSSocket) || !socket.authorized) return 'certificate: not verified'
  const certificate = socket.getPeerX509Certificate()
  const peer = certificate === undefined ? undefined : identify(certificate.raw)
  if (certificate === undefined || peer === undefined) return 'certificate: names no control peer'
  if (peer.role === 'broker') return `certificate: is of broker ${peer.name}`
  return { peer, certificate }
}

function keyOf({ role, name }: Peer): string {
  return `${role} ${name}`
}

function listenOn(server: Server, listen: Endpoint): Promise<Endpoint> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      const where = formatEndpoint(listen)
      const message = `cannot listen on ${where}: ${error.message}`
      reject(new BrokerError('ERR_START', message, { cause: error }))
    }
    server.once('error', fail)
    server.listen({ host: listen.host, port: listen.port }, () => {
      server.off('error', fail)
      // After start-up an accept that fails (out of descriptors) costs that one peer only.
      server.on('error', () => {})
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : listen.port
      resolve({ host: listen.host, port })
    })
  })
}
