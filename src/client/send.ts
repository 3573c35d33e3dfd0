import type { Duplex } from 'node:stream'

/**
 * Writes, and calls back once more may be written: at once, after the queue has drained, or when the
 * socket is gone (its own events tell that).
 */
export function send(socket: Duplex, bytes: Uint8Array, sent: () => void = () => {}): void {
  if (!socket.writable || socket.write(bytes)) {
    sent()
    return
  }
  const done = (): void => {
    socket.off('drain', done).off('close', done)
    sent()
  }
  socket.on('drain', done).on('close', done)
}

/** Writes a last word, ends our half and throws away what still comes; resolves once all is written. */
export function sendLast(socket: Duplex, bytes: Uint8Array): Promise<void> {
  if (!socket.writable) return Promise.resolve()
  return new Promise((resolve) => {
    socket.once('close', resolve)
    socket.removeAllListeners('data')
    socket.resume()
    socket.end(bytes, resolve)
  })
}
