import type { Socket } from 'node:net'

/**
 * Ends our half of a connection once everything is flushed, throws away what still arrives (closing
 * with unread bytes would reset the connection, and the peer might lose our last packet), and destroys
 * the socket when the peer has not closed its half within `timeoutMs`.
 */
export function closeGracefully(socket: Socket, timeoutMs: number): Promise<void> {
  if (socket.closed) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), timeoutMs)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
    socket.removeAllListeners('data')
    socket.resume()
    socket.end()
  })
}
