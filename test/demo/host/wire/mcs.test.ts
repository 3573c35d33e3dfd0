import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  DisconnectReason,
  decodeDomainPdu,
  encodeAttachUserConfirm,
  encodeChannelJoinConfirm,
  encodeDisconnect,
  encodeSendData,
} from '../../../../src/demo/host/wire/mcs.ts'
import { hex } from '../../../helpers/hex.ts'

test.each([
  ['erect domain', '04 01 00 01 00', { kind: 'erectDomain' }],
  ['attach user', '28', { kind: 'attachUser' }],
  ['a channel join', '38 00 06 03 eb', { kind: 'channelJoin', user: 1007, channel: 1003 }],
  ['data', '64 00 06 03 eb 70 02 aa bb', { kind: 'data', channel: 1003, data: hex('aa bb') }],
  [
    'data with a long length',
    '64 00 06 03 eb 70 80 01 aa',
    { kind: 'data', channel: 1003, data: hex('aa') },
  ],
  ['an ultimatum', '21 80', { kind: 'disconnect' }],
])('reads %s', (_, text, pdu) => {
  expect(decodeDomainPdu(hex(text))).toEqual(pdu)
})

test('writes the confirms that clients were measured with', () => {
  expect(encodeAttachUserConfirm(1007)).toEqual(hex('2e 00 00 06'))
  const join = { user: 1007, channel: 1003 }
  expect(encodeChannelJoinConfirm({ ...join, allowed: true })).toEqual(
    hex('3e 00 00 06 03 eb 03 eb'),
  )
  expect(encodeChannelJoinConfirm({ ...join, allowed: false })).toEqual(
    hex('3f c0 00 06 03 eb 03 eb'),
  )
})

test('writes data as the host on the I/O channel', () => {
  expect(encodeSendData(hex('aa bb'))).toEqual(hex('68 00 01 03 eb 70 02 aa bb'))
})

test('writes the two ultimatums', () => {
  expect(encodeDisconnect(DisconnectReason.userRequested)).toEqual(hex('21 80'))
  expect(encodeDisconnect(DisconnectReason.providerInitiated)).toEqual(hex('20 80'))
})

test.each([
  ['nothing', ''],
  ['a confirm, which only hosts send', '2e 00 00 06'],
  ['data shorter than its length', '64 00 06 03 eb 70 03 aa bb'],
  ['bytes after the data', '64 00 06 03 eb 70 01 aa bb'],
  ['a segment of data', '64 00 06 03 eb 40 01 aa'],
  ['bytes after attach', '28 00'],
])('refuses %s', (_, text) => {
  expect(() => decodeDomainPdu(hex(text))).toThrow(
    expect.objectContaining({ name: 'ProtocolError' }),
  )
})

test('random bytes give a message or a ProtocolError', () => {
  const first = fc.constantFrom(0x04, 0x21, 0x28, 0x38, 0x64, 0x68)
  fc.assert(
    fc.property(first, fc.uint8Array({ maxLength: 40 }), (choice, rest) => {
      try {
        decodeDomainPdu(Uint8Array.of(choice, ...rest))
      } catch (error) {
        expect(error).toHaveProperty('name', 'ProtocolError')
      }
    }),
  )
})
