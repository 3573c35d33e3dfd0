import { STATUS_CODES } from 'node:http'
import { renderHead } from '../../protocol/index.ts'
import type { Field } from './routes.ts'

/** FreeRDP reads exactly 10 bytes before the first packet, Windows sends as many; [MS-TSGU] says 100. */
const SEED = Buffer.alloc(10, 'abcd', 'hex')

/** A whole answer after which the connection closes. */
export function renderAnswer(status: number, fields: readonly Field[] = []): Buffer {
  const body = Buffer.from(`${STATUS_CODES[status]}\n`)
  const head = renderHead(startLine(status), [
    ...fields,
    ['Content-Type', 'text/plain'],
    ['Content-Length', String(body.length)],
    ['Connection', 'close'],
  ])
  return Buffer.concat([head, body])
}

/** RFC 6455 section 4.2.2. No extension is ever agreed on: FreeRDP knows none. */
export function renderSwitchingProtocols(accept: string, subprotocol: string | undefined): Buffer {
  return renderHead(startLine(101), [
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Sec-WebSocket-Accept', accept],
    ...(subprotocol === undefined ? [] : [['Sec-WebSocket-Protocol', subprotocol] as const]),
  ])
}

/**
 * The answer on OUT and its seed, [MS-TSGU] 3.3.5.1. Without length or coding the body lasts as long as
 * the connection; a chunked one hangs FreeRDP 3.
 */
export function renderOutAnswer(): Buffer {
  return Buffer.concat([renderHead(startLine(200)), SEED])
}

/** The answer to the first request on IN; the connection stays open for the second, which gets none. */
export function renderInAnswer(): Buffer {
  return renderHead(startLine(200), [['Content-Length', '0']])
}

/** FreeRDP wants all three parts of the line. */
function startLine(status: number): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`
}
