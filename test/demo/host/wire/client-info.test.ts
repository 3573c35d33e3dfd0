import { expect, test } from 'vitest'
import {
  checkClientInfo,
  encodeValidClientLicence,
} from '../../../../src/demo/host/wire/client-info.ts'
import { hex } from '../../../helpers/hex.ts'
import { clientInfo } from '../../../helpers/rdp-messages.ts'

test('accepts a whole message, whatever follows it', () => {
  expect(() => checkClientInfo(clientInfo())).not.toThrow()
  expect(() => checkClientInfo(Buffer.concat([clientInfo(), Buffer.alloc(80)]))).not.toThrow()
})

test('every truncation is refused', () => {
  const message = clientInfo('u')
  for (let length = 0; length < message.length; length += 1) {
    expect(() => checkClientInfo(message.subarray(0, length))).toThrow(
      expect.objectContaining({ name: 'ProtocolError' }),
    )
  }
})

test('refuses half a Unicode character', () => {
  const message = clientInfo('u')
  message.writeUInt16LE(1, 12)
  expect(() => checkClientInfo(message)).toThrow(/whole characters/)
})

test('refuses another security header', () => {
  const message = clientInfo()
  message.writeUInt16LE(0x0080, 0)
  expect(() => checkClientInfo(message)).toThrow(/SEC_INFO_PKT/)
})

test('the licence answer has 20 bytes with its security header', () => {
  expect(encodeValidClientLicence()).toEqual(
    hex('80 00 00 00  ff 03 10 00  07 00 00 00  02 00 00 00  04 00 00 00'),
  )
})
