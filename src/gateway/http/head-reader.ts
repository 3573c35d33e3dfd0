import type { Socket } from 'node:net'
import { BrokerError } from '../../lib/index.ts'
import { parseRequestHead, type RequestHead } from '../../protocol/index.ts'

/** A request head and the bytes that came with it but belong to what follows. */
export interface ReceivedHead {
  head: RequestHead
  rest: Buffer
}

/**
 * Reads one request head; afterwards the socket is paused and nothing of it is lost.
 *
 * @param first bytes that were read before
 * @throws ProtocolError `ERR_HTTP_MALFORMED`, `ERR_HTTP_TOO_LARGE`; BrokerError `ERR_DEADLINE`, or
 *   `ERR_CLOSED` when the client ends before its head does
 */
export function readRequestHead(
  socket: Socket,
  timeoutMs: number,
  first: Buffer = Buffer.alloc(0),
): Promise<ReceivedHead> {
  return new Promise((resolve, reject) => {
    let received = first
    const stop = (): void => {
      clearTimeout(timer)
      socket.pause()
      socket.off('data', onData).off('end', onEnd).off('close', onEnd)
    }
    const parse = (): void => {
      try {
        const parsed = parseRequestHead(received)
        if (parsed === undefined) return
        stop()
        resolve({ head: parsed.head, rest: received.subarray(parsed.length) })
      } catch (error) {
        stop()
        reject(error)
      }
    }
    const onData = (bytes: Buffer): void => {
      received = Buffer.concat([received, bytes])
      parse()
    }
    const onEnd = (): void => {
      stop()
      reject(new BrokerError('ERR_CLOSED', 'request head: the client has closed'))
    }
    const timer = setTimeout(() => {
      stop()
      reject(new BrokerError('ERR_DEADLINE', `request head: nothing whole within ${timeoutMs} ms`))
    }, timeoutMs)
    socket.on('data', onData).on('end', onEnd).on('close', onEnd)
    socket.resume()
    if (first.length > 0) parse()
    else if (socket.destroyed) onEnd()
  })
}
