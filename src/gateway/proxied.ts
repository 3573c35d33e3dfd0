import type { Socket } from 'node:net'
import { BrokerError } from '../lib/index.ts'
import { decodeProxyV2, type ProxyHeader } from '../protocol/index.ts'

/**
 * Reads the PROXY v2 header in front of a connection; what follows it stays in the socket, unread.
 *
 * @throws ProtocolError for other bytes; BrokerError `ERR_DEADLINE`, or `ERR_CLOSED` when the peer ends first
 */
export function readProxyHeader(socket: Socket, timeoutMs: number): Promise<ProxyHeader> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0)
    const stop = (): void => {
      clearTimeout(timer)
      socket.off('readable', onReadable).off('end', onEnd).off('close', onEnd)
    }
    const onReadable = (): void => {
      const bytes: Buffer | null = socket.read()
      if (bytes === null) return
      received = received.length === 0 ? bytes : Buffer.concat([received, bytes])
      try {
        const header = decodeProxyV2(received)
        if (header === undefined) return
        stop()
        const rest = received.subarray(header.length)
        if (rest.length > 0) socket.unshift(rest)
        resolve(header)
      } catch (error) {
        stop()
        reject(error)
      }
    }
    const onEnd = (): void => {
      stop()
      reject(new BrokerError('ERR_CLOSED', 'PROXY: the peer has closed'))
    }
    const timer = setTimeout(() => {
      stop()
      reject(new BrokerError('ERR_DEADLINE', `PROXY: nothing whole within ${timeoutMs} ms`))
    }, timeoutMs)
    socket.on('readable', onReadable).on('end', onEnd).on('close', onEnd)
  })
}
