import type { Duplex } from 'node:stream'
import { BrokerError } from '../lib/index.ts'
import {
  HeadBuffer,
  parseResponseHead,
  type ReceivedHead,
  type ResponseHead,
  renderHead,
} from '../protocol/index.ts'

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

/**
 * Reads one response head; afterwards the socket is paused and nothing of it is lost.
 *
 * @throws ProtocolError `ERR_HTTP_MALFORMED`, `ERR_HTTP_TOO_LARGE`; BrokerError `ERR_NO_ANSWER`; the
 *   signal's reason
 */
export async function readResponseHead(
  socket: Duplex,
  signal: AbortSignal,
): Promise<ReceivedHead<ResponseHead>> {
  const { promise, resolve, reject } = Promise.withResolvers<ReceivedHead<ResponseHead>>()
  const received = new HeadBuffer(parseResponseHead)
  const onData = (bytes: Buffer): void => {
    try {
      const head = received.push(bytes)
      if (head === undefined) return
      socket.pause()
      resolve(head)
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
