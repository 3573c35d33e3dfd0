import type { Socket } from 'node:net'

/**
 * Ends our half of a connection once everything is flushed, and throws away what still arrives: closing
 * with unread bytes would reset the connection, and the peer might lose our last packet. A peer that has
 * not closed its half within `timeoutMs` is cut off.
 */
export function closeGracefully(socket: Socket, timeoutMs: number): Promise<void> {
  return closed(socket, timeoutMs, () => {
    socket.removeAllListeners('data')
    socket.resume()
    socket.end()
  })
}

/**
 * Flushes and then destroys, without waiting for the peer: for one whose bytes are of no use any more. A
 * peer that does not take the last ones within `timeoutMs` is cut off.
 */
export function closeOnceFlushed(socket: Socket, timeoutMs: number): Promise<void> {
  return closed(socket, timeoutMs, () => socket.destroySoon())
}

function closed(socket: Socket, timeoutMs: number, start: () => void): Promise<void> {
  if (socket.closed) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), timeoutMs)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
    start()
  })
}
