import type { Socket } from 'node:net'
import { BrokerError, ProtocolError, Secret } from '../lib/index.ts'
import {
  decodeConnectionRequest,
  decodePreconnectionBlob,
  decodeProxyV2,
  type ProxyEnd,
  tpktLength,
} from '../protocol/index.ts'
import { MAX_REQUEST_BYTES } from './limits.ts'

/** What a connection begins with, whole. */
export interface Opening {
  /** The client, as the node knows it; absent when the node speaks for itself. */
  source?: ProxyEnd
  /** Text of the preconnection blob, which holds the host token. */
  text: Secret
  /** The client's connection request and what came behind it: all of it is for the console. */
  rest: Buffer
}

/**
 * PROXY header, [MS-RDPEPS] blob and X.224 connection request, in this order.
 *
 * @param bytes from the first one on
 * @returns undefined while more are needed
 * @throws ProtocolError as soon as they can't become that; so what is held stays below 6 KiB and one read
 */
export function decodeOpening(bytes: Buffer): Opening | undefined {
  const header = decodeProxyV2(bytes)
  if (header === undefined) return undefined
  const behindHeader = bytes.subarray(header.length)
  const decoded = decodePreconnectionBlob(behindHeader)
  if (decoded === undefined) return undefined
  const { blob, length } = decoded
  if (blob.text === undefined) {
    throw new ProtocolError('ERR_PACKET_MALFORMED', 'PRECONNECTION', 'version', 'need 2, have 1')
  }
  const rest = behindHeader.subarray(length)
  const requestLength = tpktLength(rest, MAX_REQUEST_BYTES)
  if (requestLength === undefined || rest.length < requestLength) return undefined
  decodeConnectionRequest(rest.subarray(0, requestLength))
  const { source } = header
  return { text: new Secret(blob.text), rest, ...(source === undefined ? {} : { source }) }
}

/**
 * Reads an opening and leaves the socket paused, with nothing of it read beyond.
 *
 * @throws ProtocolError; BrokerError `ERR_DEADLINE`, or `ERR_CLOSED` when the peer ends first; the signal's reason
 */
export function readOpening(
  socket: Socket,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<Opening> {
  const { promise, resolve, reject } = Promise.withResolvers<Opening>()
  let received: Buffer = Buffer.alloc(0)
  const onData = (chunk: Buffer): void => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    try {
      const opening = decodeOpening(received)
      if (opening !== undefined) resolve(opening)
    } catch (error) {
      reject(error)
    }
  }
  const onEnd = (): void => reject(new BrokerError('ERR_CLOSED', 'opening: the peer has closed'))
  const onAbort = (): void => reject(signal.reason)
  const timer = setTimeout(() => {
    reject(new BrokerError('ERR_DEADLINE', `opening: not whole within ${timeoutMs} ms`))
  }, timeoutMs)
  signal.addEventListener('abort', onAbort, { once: true })
  // Data alone does not wake a socket that was paused when it came.
  socket.on('data', onData).on('end', onEnd).on('close', onEnd).resume()
  if (signal.aborted) onAbort()
  return promise.finally(() => {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    socket.off('data', onData).off('end', onEnd).off('close', onEnd).pause()
  })
}
