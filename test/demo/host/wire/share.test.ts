import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DataType, decodeSharePdus, encodeDataPdu } from '../../../../src/demo/host/wire/share.ts'
import { hex } from '../../../helpers/hex.ts'
import {
  confirmActive,
  finalization,
  shareControl,
  shareData,
} from '../../../helpers/rdp-messages.ts'

test('splits what shares a message, and steps over flow PDUs', () => {
  const flow = hex('00 80 00 00 00 00 00 00')
  const [synchronize, cooperate] = finalization()
  const message = Buffer.concat([confirmActive(), flow, synchronize ?? flow, cooperate ?? flow])
  expect(
    decodeSharePdus(message).map((pdu) => (pdu.kind === 'data' ? pdu.type : pdu.kind)),
  ).toEqual(['confirmActive', DataType.synchronize, DataType.control])
})

test('passes over types that clients do not need answered', () => {
  expect(decodeSharePdus(shareControl(6, hex('00')))).toEqual([])
})

test('data comes back as it was written', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (body) => {
      const [pdu] = decodeSharePdus(encodeDataPdu(DataType.update, body))
      expect(pdu).toMatchObject({ kind: 'data', type: DataType.update })
      expect(Buffer.from(pdu?.body ?? [])).toEqual(Buffer.from(body))
    }),
  )
})

test.each([
  ['a length under its own header', '05 00 17 00 00'],
  ['a length past the end', '07 00 17 00 ea 03'],
  ['half a header', '06 00 17'],
])('refuses %s', (_, text) => {
  expect(() => decodeSharePdus(hex(text))).toThrow(
    expect.objectContaining({ name: 'ProtocolError' }),
  )
})

test('refuses compressed data', () => {
  expect(() => decodeSharePdus(shareData(28, hex('00 00 00 00'), 0x21))).toThrow(/compressedType/)
})
