import { createHash } from 'node:crypto'
import type { RequestHead } from '../../protocol/index.ts'

/** What a request asks of the node. */
export type Route =
  | ({ kind: 'websocket'; accept: string; subprotocol: 'binary' | undefined } & Identity)
  | ({ kind: 'out'; connectionId: string } & Identity)
  | ({ kind: 'in'; connectionId: string; chunked: boolean } & Identity)
  | { kind: 'health' }
  | { kind: 'readiness' }
  | { kind: 'refused'; status: number; fields?: Field[] }

export type Field = readonly [name: string, value: string]

interface Identity {
  /** `RDG-Connection-Id` or `ConId`: a GUID in lower case without braces; absent when it is none. */
  connectionId: string | undefined
  /** `RDG-Correlation-Id` or `CorId`, the same way; for the log only. */
  correlationId: string | undefined
}

const GATEWAY_PATH = '/remotedesktopgateway'
/** RFC 6455 section 1.3. */
const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** Decides by the head alone; bodies and sockets are the caller's. */
export function routeRequest(head: RequestHead): Route {
  const url = URL.parse(head.target, 'https://gateway.invalid')
  if (url === null || !head.target.startsWith('/')) return refused(400)
  const path = url.pathname.toLowerCase().replace(/\/$/, '')
  if (path === GATEWAY_PATH) return routeGateway(head, url.searchParams)
  if (path === '/healthz' || path === '/readyz') {
    if (head.method !== 'GET' && head.method !== 'HEAD') return refused(405, ['Allow', 'GET, HEAD'])
    return { kind: path === '/healthz' ? 'health' : 'readiness' }
  }
  return refused(404)
}

function routeGateway(head: RequestHead, query: URLSearchParams): Route {
  const { headers, method, version } = head
  const identity: Identity = {
    connectionId: guid(headers.get('RDG-Connection-Id') ?? query.get('ConId')),
    correlationId: guid(headers.get('RDG-Correlation-Id') ?? query.get('CorId')),
  }
  const upgrade =
    headers.hasToken('Upgrade', 'websocket') && headers.hasToken('Connection', 'upgrade')
  if (!['GET', 'RDG_OUT_DATA', 'RDG_IN_DATA'].includes(method) || (method === 'GET' && !upgrade)) {
    return refused(405, ['Allow', 'RDG_OUT_DATA, RDG_IN_DATA'])
  }
  if (version !== '1.1') return refused(400)
  const body = bodyOf(head)
  if (method === 'RDG_IN_DATA') {
    const { connectionId } = identity
    if (connectionId === undefined || body === 'sized') return refused(400)
    return { kind: 'in', ...identity, connectionId, chunked: body === 'chunked' }
  }
  if (body !== 'none') return refused(400)
  if (upgrade) return routeUpgrade(head, identity)
  const { connectionId } = identity
  return connectionId === undefined ? refused(400) : { kind: 'out', ...identity, connectionId }
}

/**
 * FreeRDP 2.11 sends 15 characters that are no base64 as its key, and checks the answer all the same: any
 * key goes.
 */
function routeUpgrade({ headers }: RequestHead, identity: Identity): Route {
  const key = headers.get('Sec-WebSocket-Key')
  if (key === undefined || key === '') return refused(400)
  if (headers.get('Sec-WebSocket-Version') !== '13') {
    return refused(426, ['Sec-WebSocket-Version', '13'])
  }
  return {
    kind: 'websocket',
    ...identity,
    accept: createHash('sha1')
      .update(key + ACCEPT_GUID)
      .digest('base64'),
    subprotocol: headers.hasToken('Sec-WebSocket-Protocol', 'binary') ? 'binary' : undefined,
  }
}

/** `Content-Length: 0` is no body; both fields at once are how requests are smuggled past proxies. */
function bodyOf({ headers }: RequestHead): 'none' | 'chunked' | 'sized' {
  const length = headers.get('Content-Length')
  const coding = headers.get('Transfer-Encoding')
  if (coding === undefined) return length === undefined || /^0+$/.test(length) ? 'none' : 'sized'
  return coding.toLowerCase() === 'chunked' && length === undefined ? 'chunked' : 'sized'
}

/** Clients write it with braces and in either case. */
function guid(text: string | null | undefined): string | undefined {
  const match = /^\{?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\}?$/i.exec(
    text ?? '',
  )
  return match?.[1]?.toLowerCase()
}

function refused(status: number, ...fields: Field[]): Route {
  return { kind: 'refused', status, fields }
}
