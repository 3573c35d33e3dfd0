import type { Socket } from 'node:net'
import { BrokerError, errorText, ProtocolError, Refusal } from '../lib/index.ts'
import type { ReceivedHead, RequestHead } from '../protocol/index.ts'
import { clientKey } from '../tokens/index.ts'
import type { HalfOpenPlace } from './half-open.ts'
import { readRequestHead } from './http/head-reader.ts'
import {
  renderAnswer,
  renderInAnswer,
  renderOutAnswer,
  renderSwitchingProtocols,
} from './http/responses.ts'
import { type Field, type Route, routeRequest } from './http/routes.ts'
import type { ClientConnection } from './listener.ts'
import type { GatewayNode } from './node.ts'
import { reasonOf } from './status.ts'
import { closeGracefully } from './transport/closing.ts'
import { HttpPairTransport } from './transport/http-pair.ts'
import type { PacketTransport } from './transport/packet-transport.ts'
import { PairingTable } from './transport/pairing.ts'
import { WebSocketTransport } from './transport/websocket.ts'
import { type Client, Tunnel } from './tunnel.ts'

type RouteOf<Kind extends Route['kind']> = Extract<Route, { kind: Kind }>

/** Takes accepted connections, reads what they ask for, and makes transports of those that want a tunnel. */
export class Requests {
  readonly #node: GatewayNode
  readonly #pairing: PairingTable
  /** Connections that belong to no tunnel yet. */
  readonly #sockets = new Set<Socket>()

  constructor(node: GatewayNode) {
    this.#node = node
    this.#pairing = new PairingTable(node.limits)
  }

  /** Serves one connection as far as it is HTTP; never rejects. */
  async serve(connection: ClientConnection): Promise<void> {
    const { socket, remoteAddress } = connection
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    try {
      const { requestHeadTimeoutMs: wholeMs, firstByteTimeoutMs: firstByteMs } = this.#node.limits
      const received = await readRequestHead(socket, { wholeMs, firstByteMs })
      connection.heard()
      await this.#dispatch(connection, received)
    } catch (error) {
      this.#node.log.debug('connection.refused', { remoteAddress, error: errorText(error) })
      this.#node.observer.refused(reasonOf(error))
      if (isClosed(error)) socket.destroy()
      else await this.#answer(socket, statusOfError(error))
    }
  }

  /** Closes everything that is no tunnel. */
  close(): void {
    this.#pairing.clear('this node stops')
    for (const socket of this.#sockets) socket.destroy()
  }

  async #dispatch(
    connection: ClientConnection,
    { head, rest }: ReceivedHead<RequestHead>,
  ): Promise<void> {
    const { socket, remoteAddress } = connection
    const route = routeRequest(head)
    if (isTunnel(route) && this.#hidesClient(connection)) {
      const error = "the address is a balancer's: need the PROXY header, or clientBinding none"
      this.#node.log[this.#node.strangerLevel()]('connection.refused', { remoteAddress, error })
      return this.#answer(socket, 403)
    }
    switch (route.kind) {
      case 'health':
        return this.#answer(socket, 200)
      case 'readiness':
        return this.#answer(socket, this.#node.ready ? 200 : 503)
      case 'refused':
        return this.#answer(socket, route.status, route.fields)
      case 'websocket':
        return this.#openWebSocket(connection, route, rest)
      case 'out':
        return this.#openOut(connection, route)
      case 'in':
        return this.#openIn(connection, route, rest)
    }
  }

  #openWebSocket(
    { socket, remoteAddress }: ClientConnection,
    { accept, subprotocol, connectionId, correlationId }: RouteOf<'websocket'>,
    rest: Buffer,
  ): void {
    const place = this.#node.halfOpen.take(remoteAddress)
    this.#sockets.delete(socket)
    socket.write(renderSwitchingProtocols(accept, subprotocol))
    const transport = new WebSocketTransport(socket, rest, this.#node.limits)
    const client = { remoteAddress, connectionId, correlationId }
    this.#startTunnel(transport, client, place)
  }

  #openOut(
    { socket, remoteAddress }: ClientConnection,
    { connectionId, correlationId }: RouteOf<'out'>,
  ): void {
    const place = this.#node.halfOpen.take(remoteAddress)
    socket.write(renderOutAnswer())
    this.#pairing.add({
      connectionId,
      correlationId,
      remoteAddress,
      socket,
      place,
      abandon: (why) => {
        place.release()
        this.#node.log.debug('connection.refused', { remoteAddress, connectionId, error: why })
        void closeGracefully(socket, this.#node.limits.closeTimeoutMs)
      },
    })
  }

  async #openIn(connection: ClientConnection, route: RouteOf<'in'>, rest: Buffer): Promise<void> {
    const { socket, remoteAddress } = connection
    const out = await this.#pairing.take(route.connectionId, (pending) =>
      this.#sameClient(pending.remoteAddress, remoteAddress),
    )
    if (out === undefined) return this.#answer(socket, 404)
    this.#sockets.delete(socket)
    this.#sockets.delete(out.socket)
    const transport = new HttpPairTransport(out.socket, socket, this.#node.limits)
    const { connectionId, correlationId } = out
    const client = { remoteAddress, connectionId, correlationId }
    this.#startTunnel(transport, client, out.place)
    try {
      transport.readBody(route.chunked ? rest : await this.#readSecondHead(connection, route, rest))
    } catch (error) {
      transport.inbox.end(error)
    }
  }

  /** The first IN request gets an answer; the second, on the same connection, is the stream and gets none. */
  async #readSecondHead(
    { socket }: ClientConnection,
    first: RouteOf<'in'>,
    rest: Buffer,
  ): Promise<Buffer> {
    socket.write(renderInAnswer())
    const wholeMs = this.#node.limits.requestHeadTimeoutMs
    const second = await readRequestHead(socket, { wholeMs }, rest)
    const route = routeRequest(second.head)
    if (route.kind === 'in' && route.chunked && route.connectionId === first.connectionId) {
      return second.rest
    }
    throw new ProtocolError('ERR_HTTP_MALFORMED', 'HTTP', 'head', 'IN goes on with another request')
  }

  /** A token bound to a balancer's address would be good for every client behind it. */
  #hidesClient({ fromBalancer }: ClientConnection): boolean {
    return fromBalancer && this.#node.clientBinding !== 'none'
  }

  /** As far as tokens are bound to their client, so are the two halves of a pair to each other. */
  #sameClient(a: string, b: string): boolean {
    const { clientBinding } = this.#node
    return clientKey(a, clientBinding) === clientKey(b, clientBinding)
  }

  /** One that has no tunnel when others need its place hears that there are too many. */
  #startTunnel(transport: PacketTransport, client: Client, place: HalfOpenPlace): void {
    const tunnel = Tunnel.start({
      node: this.#node,
      transport: this.#node.tracer?.follow(transport, client) ?? transport,
      client,
      leaveHalfOpen: place.release,
    })
    place.onEvicted(() => {
      tunnel.end(new Refusal('limit-reached', 'half-open: a newer connection needs its place'))
    })
  }

  async #answer(socket: Socket, status: number, fields: readonly Field[] = []): Promise<void> {
    if (socket.writable) socket.write(renderAnswer(status, fields))
    await closeGracefully(socket, this.#node.limits.closeTimeoutMs)
  }
}

function isTunnel({ kind }: Route): boolean {
  return kind === 'websocket' || kind === 'out' || kind === 'in'
}

function isClosed(error: unknown): boolean {
  return error instanceof BrokerError && error.code === 'ERR_CLOSED'
}

function statusOfError(error: unknown): number {
  if (!(error instanceof BrokerError)) return 500
  if (error.code === 'ERR_DEADLINE') return 408
  return error.code === 'ERR_HTTP_TOO_LARGE' ? 431 : 400
}
