import { setImmediate as turn } from 'node:timers/promises'
import { createFrameReader as createClientReader } from '../../../src/client/websocket-frames.ts'
import { routeRequest } from '../../../src/gateway/http/routes.ts'
import { createFrameReader } from '../../../src/gateway/transport/websocket-reader.ts'
import { ProtocolError } from '../../../src/lib/index.ts'
import {
  ChunkedDecoder,
  decodeProxyFields,
  decodeProxyV2,
  HeadBuffer,
  type Parsed,
  parseRequestHead,
  parseResponseHead,
  type RequestHead,
  type ResponseHead,
} from '../../../src/protocol/index.ts'
import { type FuzzTarget, gathering, type StreamRun } from '../target.ts'

/** What HTTP heads are made of. */
const HTTP_WORDS = [
  '\r\n',
  '\r\n\r\n',
  '\n',
  ': ',
  'Host: gw\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Connection: Upgrade\r\nUpgrade: websocket\r\n',
  'Sec-WebSocket-Version: 13\r\n',
  'RDG_IN_DATA /remoteDesktopGateway/ HTTP/1.1\r\n',
  '\0',
  '%00',
  '?ConId={11111111-2222-3333-4444-555555555555}',
]

/** Gathers a head and keeps what follows it. */
function head<Head>(
  parse: (bytes: Buffer) => Parsed<Head> | undefined,
  describe: (head: Head) => unknown,
): () => StreamRun {
  return () => {
    const buffer = new HeadBuffer(parse)
    let found: unknown
    let rest = Buffer.alloc(0)
    return {
      push(piece) {
        if (found !== undefined) {
          rest = Buffer.concat([rest, piece])
          return
        }
        const received = buffer.push(piece)
        if (received === undefined) return
        found = describe(received.head)
        rest = Buffer.from(received.rest)
      },
      outcome: () => ({ found, rest }),
    }
  }
}

function describeRequest(request: RequestHead): unknown {
  const { method, target, version, headers } = request
  return { method, target, version, host: headers.get('Host'), route: routeRequest(request) }
}

function describeResponse({ version, status, headers }: ResponseHead): unknown {
  return { version, status, length: headers.get('Content-Length') }
}

export const TRANSPORT_TARGETS: readonly FuzzTarget[] = [
  {
    kind: 'stream',
    name: 'request-head',
    covers: [
      'protocol/http1.ts:parseRequestHead',
      'protocol/head-buffer.ts:HeadBuffer',
      'gateway/http/routes.ts:routeRequest',
    ],
    mayThrow: [ProtocolError],
    dictionary: HTTP_WORDS,
    maxBytes: 20_000,
    start: head(parseRequestHead, describeRequest),
  },
  {
    kind: 'stream',
    name: 'response-head',
    covers: ['protocol/http1.ts:parseResponseHead'],
    mayThrow: [ProtocolError],
    dictionary: HTTP_WORDS,
    maxBytes: 20_000,
    start: head(parseResponseHead, describeResponse),
  },
  {
    kind: 'stream',
    name: 'chunks',
    covers: ['protocol/chunked.ts:ChunkedDecoder'],
    mayThrow: [ProtocolError],
    dictionary: ['\r\n', '0\r\n\r\n', '1\r\nx\r\n', ';a=b', '1ffff\r\n', 'ffffffffffffffff', ' '],
    maxBytes: 20_000,
    start() {
      const decoder = new ChunkedDecoder()
      const data: Buffer[] = []
      return {
        push(piece) {
          for (const view of decoder.push(piece)) data.push(Buffer.from(view))
        },
        outcome: () => ({ data: Buffer.concat(data), finished: decoder.finished }),
      }
    },
  },
  {
    kind: 'stream',
    name: 'proxy-header',
    covers: ['protocol/proxy-v2.ts:decodeProxyV2', 'protocol/proxy-v2.ts:decodeProxyFields'],
    mayThrow: [ProtocolError],
    start: gathering((bytes) => {
      const header = decodeProxyV2(bytes)
      if (header === undefined) return undefined
      return { ...header, fields: [...decodeProxyFields(bytes.subarray(0, header.length))] }
    }),
  },
  {
    kind: 'stream',
    name: 'client-frames',
    covers: ['gateway/transport/websocket-reader.ts:createFrameReader'],
    mayThrow: [ProtocolError],
    overwrites: true,
    maxBytes: 20_000,
    start() {
      const payload: Buffer[] = []
      const events: unknown[] = []
      const read = createFrameReader({
        onBinary: (data) => void payload.push(Buffer.from(data)),
        onPing: (data) => void events.push(`ping ${data.toString('hex')}`),
        onClose: () => void events.push('close'),
        onError: (error, closeCode) => void events.push(`${error} ${closeCode}`),
      })
      return { push: read, outcome: () => ({ payload: Buffer.concat(payload), events }) }
    },
  },
  {
    kind: 'stream',
    name: 'gateway-frames',
    covers: ['client/websocket-frames.ts:createFrameReader'],
    mayThrow: [ProtocolError],
    // `ws` unmasks where the bytes lie, should a gateway mask.
    overwrites: true,
    maxBytes: 20_000,
    start() {
      const events: string[] = []
      const read = createClientReader({
        onBinary: (data) => void events.push(`binary ${data.toString('hex')}`),
        onPing: (data) => void events.push(`ping ${data.toString('hex')}`),
        onEnd: (reason) => void events.push(`end ${reason}`),
      })
      return {
        push: read,
        async outcome() {
          // An error is told a turn later.
          await turn()
          return events
        },
      }
    },
  },
]
