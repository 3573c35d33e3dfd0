import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ProtocolError } from '../../src/lib/index.ts'
import { ChunkedDecoder, encodeChunk } from '../../src/protocol/index.ts'

function decode(pieces: Uint8Array[]): { data: string; finished: boolean } {
  const decoder = new ChunkedDecoder()
  const data = pieces.flatMap((piece) => [...decoder.push(piece)].map((view) => Buffer.from(view)))
  return { data: Buffer.concat(data).toString('latin1'), finished: decoder.finished }
}

function decodeText(text: string): { data: string; finished: boolean } {
  return decode([Buffer.from(text, 'latin1')])
}

test('reads sizes in either case, with an extension, and a trailer', () => {
  expect(decodeText('A;x=y\r\n0123456789\r\na\r\nabcdefghij\r\n')).toEqual({
    data: '0123456789abcdefghij',
    finished: false,
  })
  expect(decodeText('1\r\nx\r\n0\r\nT: v\r\n\r\nafter')).toEqual({ data: 'x', finished: true })
})

test('gives the same data at any split', () => {
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 5 })
  fc.assert(
    fc.property(chunks, fc.infiniteStream(fc.integer({ min: 1, max: 9 })), (datas, steps) => {
      const body = Buffer.concat([...datas.map(encodeChunk), Buffer.from('0\r\n\r\n')])
      const pieces: Uint8Array[] = []
      for (let offset = 0; offset < body.length; ) {
        const step = steps.next().value ?? 1
        pieces.push(body.subarray(offset, offset + step))
        offset += step
      }
      expect(decode(pieces)).toEqual({
        data: Buffer.concat(datas).toString('latin1'),
        finished: true,
      })
    }),
  )
})

test('refuses sizes that are no size, before any data', () => {
  for (const size of ['', '-1', '+1', '0x1', 'g', ' 1', '00000000000000001', 'FFFFFFFF', '20001']) {
    expect(() => decodeText(`${size}\r\n`), size).toThrow(ProtocolError)
  }
  expect(decodeText('20000\r\n')).toEqual({ data: '', finished: false })
})

test('refuses broken line ends and lines without an end', () => {
  for (const text of [
    '1\n',
    '1\rx',
    '1\r\nab',
    `1;${'x'.repeat(300)}`,
    `0\r\n${'T: v\r\n'.repeat(1100)}`,
  ]) {
    expect(() => decodeText(text), text.slice(0, 10)).toThrow(ProtocolError)
  }
})

test('any bytes are data or a ProtocolError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      try {
        decode([bytes])
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError)
      }
    }),
  )
})

test('an empty chunk would end the body, so it is not written', () => {
  expect(() => encodeChunk(new Uint8Array())).toThrow(RangeError)
})
