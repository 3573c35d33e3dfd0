import type { Duplex } from 'node:stream'
import { BrokerError } from '../lib/index.ts'
import { parseResponseHead, type ResponseHead, renderHead } from '../protocol/index.ts'

/** [MS-TSGU] 1.9.2. */
const GATEWAY_PATH = '/remoteDesktopGateway/'

export interface RequestIdentity {
  /** Value of `Host`. */
  host: string
  /** GUID without braces that pairs IN with OUT. */
  connectionId: string
  /** GUID without braces, for the gateway's log. */
  correlationId: string
}

type Field = readonly [name: string, value: string]

/** A request as FreeRDP sends it with a token: the scheme says that PAA follows, `Authorization` is absent. */
export function renderGatewayRequest(
  method: 'RDG_OUT_DATA' | 'RDG_IN_DATA',
  identity: RequestIdentity,
  fields: readonly Field[],
): Buffer {
  return renderHead(`${method} ${GATEWAY_PATH} HTTP/1.1`, [
    ['Cache-Control', 'no-cache'],
    ['Pragma', 'no-cache'],
    ['Accept', '*/*'],
    ['User-Agent', 'Portcullis'],
    ['Host', identity.host],
    ['RDG-Connection-Id', `{${identity.connectionId}}`],
    ['RDG-Correlation-Id', `{${identity.correlationId}}`],
    ['RDG-Auth-Scheme', 'PAA'],
    ...fields,
  ])
}

/** A response head and the bytes that came with it. */
export interface ReceivedHead {
  head: ResponseHead
  rest: Buffer
}

/**
 * Reads one response head; afterwards the socket is paused and nothing of it is lost.
 *
 * @throws ProtocolError `ERR_HTTP_MALFORMED`, `ERR_HTTP_TOO_LARGE`; BrokerError `ERR_NO_ANSWER`; the
 *   signal's reason
 */
export async function readResponseHead(socket: Duplex, signal: AbortSignal): Promise<ReceivedHead> {
  const { promise, resolve, reject } = Promise.withResolvers<ReceivedHead>()
  let received: Buffer = Buffer.alloc(0)
  const onData = (bytes: Buffer): void => {
    received = Buffer.concat([received, bytes])
    try {
      const parsed = parseResponseHead(received)
      if (parsed === undefined) return
      socket.pause()
      resolve({ head: parsed.head, rest: received.subarray(parsed.length) })
    } catch (error) {
      reject(error)
    }
  }
  const onEnd = (): void => {
    reject(new BrokerError('ERR_NO_ANSWER', 'the gateway closed the connection without an answer'))
  }
  const abort = (): void => reject(signal.reason)
  socket.on('data', onData).on('end', onEnd).on('close', onEnd)
  signal.addEventListener('abort', abort, { once: true })
  try {
    if (signal.aborted) abort()
    else if (socket.destroyed) onEnd()
    socket.resume()
    return await promise
  } finally {
    socket.off('data', onData).off('end', onEnd).off('close', onEnd)
    signal.removeEventListener('abort', abort)
  }
}
