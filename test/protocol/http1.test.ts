import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ProtocolError } from '../../src/lib/index.ts'
import {
  MAX_HEAD_BYTES,
  parseRequestHead,
  parseResponseHead,
  renderHead,
} from '../../src/protocol/index.ts'

const OUT = [
  'RDG_OUT_DATA /remoteDesktopGateway/ HTTP/1.1',
  'Cache-Control: no-cache',
  'RDG-Connection-Id: {33001a58-6ad9-f0f6-a16b-14bbb641c5fe}',
  'connection: keep-alive, Upgrade',
  '',
  '',
].join('\r\n')

test('reads a request with a method Node does not know, and leaves the body alone', () => {
  const parsed = parseRequestHead(Buffer.from(`${OUT}body`))
  expect(parsed?.length).toBe(OUT.length)
  expect(parsed?.head).toMatchObject({
    method: 'RDG_OUT_DATA',
    target: '/remoteDesktopGateway/',
    version: '1.1',
  })
  const headers = parsed?.head.headers
  expect(headers?.get('rdg-connection-id')).toBe('{33001a58-6ad9-f0f6-a16b-14bbb641c5fe}')
  expect(headers?.hasToken('Connection', 'upgrade')).toBe(true)
  expect(headers?.hasToken('Connection', 'close')).toBe(false)
  expect(headers?.get('upgrade')).toBeUndefined()
})

test('joins the values of a repeated field', () => {
  const head = parseRequestHead(Buffer.from('GET / HTTP/1.0\r\nA: 1\r\na: 2\r\n\r\n'))?.head
  expect(head?.headers.get('A')).toBe('1, 2')
  expect(head?.version).toBe('1.0')
})

test('takes blanks from both ends of a value, and leaves those inside', () => {
  const text = 'GET / HTTP/1.1\r\nA: \t a  b\t\r\nB: \t \r\nC:\r\nD:\u00a0d\u00a0\r\n\r\n'
  const headers = parseRequestHead(Buffer.from(text, 'latin1'))?.head.headers
  const values = ['A', 'B', 'C', 'D'].map((name) => headers?.get(name))
  expect(values).toEqual(['a  b', '', '', '\u00a0d\u00a0'])
})

test('a head full of blanks takes no longer than another', () => {
  const secondsFor = (filling: string): number => {
    const value = `y${filling.repeat(MAX_HEAD_BYTES - 100)}x`
    const head = Buffer.from(`GET / HTTP/1.1\r\nA: ${value}\r\n\r\n`)
    const startedMs = performance.now()
    for (let count = 0; count < 20; count += 1) parseRequestHead(head)
    return (performance.now() - startedMs) / 1000
  }
  secondsFor('z')
  // 2.6 s in all where each blank is tried as the beginning of the end; a busy machine may be slow, but not each time.
  const tries = [1, 2, 3].map(() => secondsFor(' '))
  expect(Math.min(...tries)).toBeLessThan(1)
})

test('every truncation of a head needs more', () => {
  for (let length = 0; length < OUT.length; length += 1) {
    expect(parseRequestHead(Buffer.from(OUT.slice(0, length)))).toBeUndefined()
  }
})

test('refuses what is no head', () => {
  const wrong = [
    'GET /\r\n\r\n',
    'GET  / HTTP/1.1\r\n\r\n',
    'GET / HTTP/2.0\r\n\r\n',
    'GET / HTTP/1.1\r\nno colon\r\n\r\n',
    'GET / HTTP/1.1\r\nName : value\r\n\r\n',
    'GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n',
    'GET / HTTP/1.1\r\nA: b\0\r\n\r\n',
    `${'M'.repeat(33)} / HTTP/1.1\r\n\r\n`,
    '\r\n\r\n',
  ]
  for (const text of wrong) {
    expect(() => parseRequestHead(Buffer.from(text)), text).toThrow(ProtocolError)
  }
})

test('refuses a head that is too long or has too many fields, at once', () => {
  expect(parseRequestHead(Buffer.alloc(MAX_HEAD_BYTES - 1, 'a'))).toBeUndefined()
  const code = 'ERR_HTTP_TOO_LARGE'
  expect(() => parseRequestHead(Buffer.alloc(MAX_HEAD_BYTES, 'a'))).toThrow(
    expect.objectContaining({ code }),
  )
  const many = `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(101)}\r\n`
  expect(() => parseRequestHead(Buffer.from(many))).toThrow(expect.objectContaining({ code }))
})

test('reads a response, whose status line needs three parts', () => {
  const parsed = parseResponseHead(Buffer.from('HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\nx'))
  expect(parsed?.head.status).toBe(101)
  expect(parsed?.head.headers.get('a')).toBe('b')
  expect(() => parseResponseHead(Buffer.from('HTTP/1.1 200\r\n\r\n'))).toThrow(ProtocolError)
})

test('reads what it renders, and renders no line end inside of a field', () => {
  const bytes = renderHead('GET /x HTTP/1.1', [['Host', 'a.example']])
  expect(parseRequestHead(bytes)?.head.headers.get('host')).toBe('a.example')
  expect(() => renderHead('GET / HTTP/1.1', [['A', 'b\r\nC: d']])).toThrow(RangeError)
})

test('any bytes give a head, more, or a ProtocolError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        parseRequestHead(Buffer.concat([Buffer.from(bytes), Buffer.from('\r\n\r\n')]))
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError)
      }
    }),
  )
})
