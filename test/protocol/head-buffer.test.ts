import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HeadBuffer } from '../../src/protocol/head-buffer.ts'
import { MAX_HEAD_BYTES, parseRequestHead, renderHead } from '../../src/protocol/index.ts'

const HEAD = renderHead('GET /readyz HTTP/1.1', [
  ['Host', 'localhost'],
  ['X-Long', 'x'.repeat(3_000)],
])

/** What comes out of the first push that gives something. */
function gather(pieces: Iterable<Uint8Array>) {
  const buffer = new HeadBuffer(parseRequestHead)
  for (const piece of pieces) {
    const received = buffer.push(piece)
    if (received !== undefined) return received
  }
  return undefined
}

test('gives the head and what follows it, however it is split', () => {
  const bytes = Buffer.concat([HEAD, Buffer.from('rest')])
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 8 }), (cuts) => {
      const borders = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
      const pieces = borders.map((start, index) => bytes.subarray(start, borders[index + 1]))
      const buffer = new HeadBuffer(parseRequestHead)
      const received = pieces.map((piece) => buffer.push(piece)).find((head) => head !== undefined)
      expect(received?.head.target).toBe('/readyz')
      expect(bytes.includes(received?.rest ?? 'nothing')).toBe(true)
    }),
  )
})

test('finds the empty line in the byte that ends it, and takes no byte behind it', () => {
  const bytes = [...HEAD].map((byte) => Uint8Array.of(byte))
  expect(gather(bytes.slice(0, -1))).toBeUndefined()
  expect(gather(bytes)?.rest).toHaveLength(0)
  expect(gather([HEAD.subarray(0, -2), Buffer.from('\r\nrest')])?.rest.toString()).toBe('rest')
})

test('refuses a head that is too long as soon as it is, in one piece or byte by byte', () => {
  const bytes = Buffer.alloc(MAX_HEAD_BYTES, 'a')
  const tooLarge = expect.objectContaining({ code: 'ERR_HTTP_TOO_LARGE' })
  expect(() => gather([bytes])).toThrow(tooLarge)
  const buffer = new HeadBuffer(parseRequestHead)
  for (const byte of bytes.subarray(1)) expect(buffer.push(Uint8Array.of(byte))).toBeUndefined()
  expect(() => buffer.push(Buffer.from('a'))).toThrow(tooLarge)
})
