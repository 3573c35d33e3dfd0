import type { Socket } from 'node:net'
import { BrokerError } from '../../lib/index.ts'
import {
  HeadBuffer,
  parseRequestHead,
  type ReceivedHead,
  type RequestHead,
} from '../../protocol/index.ts'

export interface HeadTimes {
  /** To the first byte; `wholeMs` when absent. */
  firstByteMs?: number
  /** From the first byte to the end of the head. */
  wholeMs: number
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
  { wholeMs, firstByteMs = wholeMs }: HeadTimes,
  first: Buffer = Buffer.alloc(0),
): Promise<ReceivedHead<RequestHead>> {
  return new Promise((resolve, reject) => {
    const received = new HeadBuffer(parseRequestHead)
    const stop = (): void => {
      clearTimeout(timer)
      socket.pause()
      socket.off('data', onData).off('end', onEnd).off('close', onEnd)
    }
    let timer: NodeJS.Timeout
    let begun = false
    const wait = (timeoutMs: number): void => {
      clearTimeout(timer)
      timer = setTimeout(() => {
        stop()
        reject(
          new BrokerError('ERR_DEADLINE', `request head: nothing whole within ${timeoutMs} ms`),
        )
      }, timeoutMs)
    }
    const onData = (bytes: Buffer): void => {
      try {
        const head = received.push(bytes)
        if (head === undefined) {
          if (!begun) wait(wholeMs)
          begun = true
          return
        }
        stop()
        resolve(head)
      } catch (error) {
        stop()
        reject(error)
      }
    }
    const onEnd = (): void => {
      stop()
      reject(new BrokerError('ERR_CLOSED', 'request head: the client has closed'))
    }
    wait(firstByteMs)
    socket.on('data', onData).on('end', onEnd).on('close', onEnd)
    socket.resume()
    if (first.length > 0) onData(first)
    else if (socket.destroyed) onEnd()
  })
}
