import type { Server as HttpServer, IncomingMessage } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Server, Socket } from 'node:net'
import { Places } from './places.ts'

/** The places of one server, as {@link Places} has them, by the sockets that its listeners are given. */
export interface ServerPlaces {
  heard(socket: Socket): void
  answered(socket: Socket): void
  destroySilent(): void
  destroyAll(): void
}

/**
 * Gives a TCP or TLS server so many connections at once; in place of `maxConnections`, which turns everybody away who
 * comes after those that say nothing. Whoever serves a connection says when it was heard.
 */
export function limitConnections(server: Server, most: number): ServerPlaces {
  const places = new Places<Socket>(most)
  /** The TCP connections, which the sockets that speak TLS wrap. */
  const accepted = new Map<string, Socket>()
  const find = (socket: Socket): Socket | undefined => accepted.get(connectionName(socket))

  server.on('connection', (socket: Socket) => {
    const name = connectionName(socket)
    if (!places.accept(socket)) {
      socket.destroy()
      return
    }
    accepted.set(name, socket)
    socket.once('close', () => {
      if (accepted.get(name) === socket) accepted.delete(name)
    })
  })
  return {
    heard(socket) {
      const connection = find(socket)
      if (connection !== undefined) places.heard(connection)
    },
    answered(socket) {
      const connection = find(socket)
      if (connection !== undefined) places.answered(connection)
    },
    destroySilent: () => places.destroySilent(),
    destroyAll: () => places.destroyAll(),
  }
}

/**
 * The same for HTTP: a connection whose whole request has come stays until its answer. A body that does not come to its
 * end is as silent as no request at all. Whoever upgrades connections says so by `heard`: a listener of ours would make Node
 * hand over every request that asks for an upgrade, also where nobody answers it.
 *
 * @returns what a server that closes has to end: it waits for handshakes too, and knows only connections with HTTP
 */
export function limitHttpConnections(
  server: HttpServer | HttpsServer,
  most: number,
): Omit<ServerPlaces, 'answered'> {
  const places = limitConnections(server, most)
  server.prependListener('request', (request, response) => {
    const { socket } = request
    const heard = () => places.heard(socket)
    if (hasBody(request)) request.once('end', heard)
    else heard()
    response.once('close', () => {
      // A body may end after its answer, and nothing would be answered any more.
      request.off('end', heard)
      places.answered(socket)
    })
  })
  return places
}

/** RFC 9112, 6.3: without either of these fields a request has none. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** A TCP connection is named by its two ends, which the socket inside TLS and the one around it share. */
export function connectionName(socket: Socket): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}
