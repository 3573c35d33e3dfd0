import type { Server } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { Places } from './places.ts'

/**
 * Gives a server so many connections at once, as {@link Places} has it: with a request under way, or upgraded, they
 * stay. In place of `maxConnections`, which turns everybody away who comes after those that say nothing.
 *
 * @returns what a server that closes has to end: it waits for handshakes too, and knows only connections with HTTP
 */
export function limitConnections(
  server: Server | HttpsServer,
  most: number,
): Pick<Places<Socket>, 'destroySilent' | 'destroyAll'> {
  const places = new Places<Socket>(most)
  /** The TCP connections, which the sockets of requests wrap when there is TLS. */
  const accepted = new Map<string, Socket>()

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
  server.prependListener('request', ({ socket }, response) => {
    const connection = accepted.get(connectionName(socket))
    if (connection === undefined) return
    places.heard(connection)
    response.once('close', () => places.answered(connection))
  })
  server.prependListener('upgrade', ({ socket }) => {
    const connection = accepted.get(connectionName(socket))
    if (connection !== undefined) places.heard(connection)
  })
  return places
}

/** A TCP connection is named by its two ends, which the socket inside TLS and the one around it share. */
export function connectionName(socket: Socket): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}
