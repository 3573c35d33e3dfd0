import fc from 'fast-check'
import { expect, test } from 'vitest'
import { takeFrame } from '../../../../src/demo/host/wire/frames.ts'
import { encodeDataTpdu } from '../../../../src/protocol/index.ts'
import { hex } from '../../../helpers/hex.ts'
import { fastPathInput, keyStroke } from '../../../helpers/rdp-messages.ts'

const MAX_BYTES = 32_768

const frames = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((payload) => encodeDataTpdu(payload)),
  fc.constant(fastPathInput(keyStroke(0x1e))),
  fc.constant(hex('04 80 05 00 1e')),
)

test('takes frames one by one from any split of the bytes', () => {
  fc.assert(
    fc.property(
      fc.array(frames, { maxLength: 8 }),
      fc.integer({ min: 1, max: 50 }),
      (sent, step) => {
        const bytes = Buffer.concat(sent)
        const lengths: number[] = []
        let start = 0
        for (let end = 0; start < bytes.length && end < bytes.length + step; end += step) {
          for (;;) {
            const taken = takeFrame(bytes.subarray(start, end), MAX_BYTES)
            if (taken === undefined) break
            lengths.push(taken.length)
            start += taken.length
          }
        }
        expect(lengths).toEqual(sent.map(({ length }) => length))
      },
    ),
  )
})

test('tells the two forms apart', () => {
  expect(takeFrame(encodeDataTpdu(hex('28')), MAX_BYTES)?.frame).toEqual({
    kind: 'tpdu',
    payload: hex('28'),
  })
  expect(takeFrame(hex('04 04 00 1e ff'), MAX_BYTES)).toEqual({
    frame: { kind: 'fastPath', pdu: hex('04 04 00 1e') },
    length: 4,
  })
})

test.each([
  ['an unknown action', '05 04'],
  ['a fast-path length inside of its header', '04 01'],
  ['a long length inside of its header', '04 80 02'],
  ['a fast-path frame over the limit', '04 ff ff'],
  ['a TPKT over the limit', '03 00 ff ff'],
  ['a TPKT with another TPDU', '03 00 00 08 02 e0 80 00'],
])('refuses %s', (_, text) => {
  expect(() => takeFrame(hex(text), 30_000)).toThrow(
    expect.objectContaining({ name: 'ProtocolError' }),
  )
})
