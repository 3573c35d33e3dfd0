import { ProtocolError } from '../lib/index.ts'

/** A request or response head, start line to empty line, is refused beyond this. */
export const MAX_HEAD_BYTES = 16 * 1024
const MAX_HEADERS = 100
export const END_OF_HEAD = Buffer.from('\r\n\r\n')

/** Header fields of one head; names compare case-insensitively (RFC 9110 section 5.1). */
export class HeaderFields {
  readonly #values = new Map<string, string>()

  /** @param fields in wire order, names in any case */
  constructor(fields: Iterable<readonly [string, string]>) {
    for (const [field, value] of fields) {
      const name = field.toLowerCase()
      const before = this.#values.get(name)
      this.#values.set(name, before === undefined ? value : `${before}, ${value}`)
    }
  }

  /** The value; of a repeated field, its values joined by `, `; undefined when absent. */
  get(name: string): string | undefined {
    return this.#values.get(name.toLowerCase())
  }

  /** True when the comma-separated list of a field has this token, in any case. */
  hasToken(name: string, token: string): boolean {
    const tokens = (this.get(name) ?? '').split(',').map((item) => item.trim().toLowerCase())
    return tokens.includes(token.toLowerCase())
  }
}

export interface RequestHead {
  method: string
  /** As sent: `/remoteDesktopGateway/?ConId=…`. */
  target: string
  version: '1.0' | '1.1'
  headers: HeaderFields
}

export interface ResponseHead {
  version: '1.0' | '1.1'
  status: number
  headers: HeaderFields
}

/** A head and how many bytes it took; what follows them belongs to the body or the next head. */
export interface Parsed<Head> {
  head: Head
  length: number
}

/**
 * HTTP/1 request head (RFC 9112 section 2 and 3). Node's own parser knows no `RDG_` methods.
 *
 * @returns undefined while the empty line has not come
 * @throws ProtocolError `ERR_HTTP_TOO_LARGE` beyond 16 KiB or 100 headers, `ERR_HTTP_MALFORMED`
 */
export function parseRequestHead(bytes: Buffer): Parsed<RequestHead> | undefined {
  const lines = headLines(bytes)
  if (lines === undefined) return undefined
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([\x21-\x7e]+) HTTP\/(1\.[01])$/.exec(
    lines.start,
  )
  if (match === null) throw malformed('requestLine', 'not METHOD SP target SP HTTP/1.x')
  const [, method = '', target = '', version] = match
  const head = { method, target, version: versionOf(version), headers: lines.headers }
  return { head, length: lines.length }
}

/** HTTP/1 response head (RFC 9112 section 4); errors as {@link parseRequestHead}. */
export function parseResponseHead(bytes: Buffer): Parsed<ResponseHead> | undefined {
  const lines = headLines(bytes)
  if (lines === undefined) return undefined
  const match = /^HTTP\/(1\.[01]) ([1-5]\d\d) /.exec(lines.start)
  if (match === null) throw malformed('statusLine', 'not HTTP/1.x SP status SP reason')
  const [, version, status] = match
  const head = { version: versionOf(version), status: Number(status), headers: lines.headers }
  return { head, length: lines.length }
}

/** A head as bytes: the start line, then the fields in the given order. Values must be free of line ends. */
export function renderHead(
  startLine: string,
  fields: ReadonlyArray<readonly [name: string, value: string]> = [],
): Buffer {
  const lines = [startLine, ...fields.map(([name, value]) => `${name}: ${value}`)]
  if (lines.some((line) => /[\r\n\0]/.test(line)))
    throw new RangeError('head: a line end in a field')
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

interface HeadLines {
  start: string
  headers: HeaderFields
  length: number
}

function headLines(bytes: Buffer): HeadLines | undefined {
  const end = bytes.subarray(0, MAX_HEAD_BYTES).indexOf(END_OF_HEAD)
  if (end === -1) {
    if (bytes.length < MAX_HEAD_BYTES) return undefined
    throw new ProtocolError('ERR_HTTP_TOO_LARGE', 'HTTP', 'head', `over ${MAX_HEAD_BYTES} bytes`)
  }
  const [start = '', ...fields] = bytes.toString('latin1', 0, end).split('\r\n')
  if (fields.length > MAX_HEADERS) {
    const message = `${fields.length}, at most ${MAX_HEADERS}`
    throw new ProtocolError('ERR_HTTP_TOO_LARGE', 'HTTP', 'headers', message)
  }
  return { start, headers: new HeaderFields(fields.map(field)), length: end + END_OF_HEAD.length }
}

function field(line: string): [name: string, value: string] {
  // No line folding and no blank before the colon (RFC 9112 section 5.1): both are used to smuggle.
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\0\r\n]*)$/.exec(line)
  if (match === null) throw malformed('header', 'not name: value')
  const [, name = '', value = ''] = match
  return [name, withoutBlanks(value)]
}

/**
 * Without spaces and tabs at either end (RFC 9110 section 5.5). No expression: one that looks for blanks before the end
 * tries each blank inside as well, and 16 KiB of them took 130 ms.
 */
function withoutBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (isBlank(text[start])) start += 1
  while (end > start && isBlank(text[end - 1])) end -= 1
  return text.slice(start, end)
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}

function versionOf(text: string | undefined): '1.0' | '1.1' {
  return text === '1.0' ? '1.0' : '1.1'
}

function malformed(field: string, message: string): ProtocolError {
  return new ProtocolError('ERR_HTTP_MALFORMED', 'HTTP', field, message)
}
