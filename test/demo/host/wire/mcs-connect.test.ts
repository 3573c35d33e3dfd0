import { expect, test } from 'vitest'
import {
  decodeConnectInitial,
  encodeConnectResponse,
} from '../../../../src/demo/host/wire/mcs-connect.ts'
import { encodeDataTpdu } from '../../../../src/protocol/index.ts'
import { hex } from '../../../helpers/hex.ts'
import { connectInitial, coreBlock, createRequest } from '../../../helpers/rdp-messages.ts'

const initial = connectInitial(createRequest(coreBlock()))

test('finds the GCC data behind the domain parameters', () => {
  expect(decodeConnectInitial(initial)).toMatchObject({ desktopWidth: 1024, desktopHeight: 768 })
})

test('writes the 118 bytes, TPKT and X.224 header included, that clients were measured with', () => {
  const response = encodeConnectResponse({
    clientRequestedProtocols: 3,
    skipChannelJoin: false,
    ioChannel: 1003,
    staticChannels: [1004, 1005, 1006, 1007],
    messageChannel: 1008,
  })
  expect(encodeDataTpdu(response)).toHaveLength(118)
  expect(response.subarray(0, 2)).toEqual(hex('7f 66'))
  expect(response.subarray(-64)).toEqual(
    hex(`14 76 0a 01 01 00 01 c0 00 4d 63 44 6e 32
         01 0c 10 00 04 00 08 00 03 00 00 00 00 00 00 00
         03 0c 10 00 eb 03 04 00 ec 03 ed 03 ee 03 ef 03
         02 0c 0c 00 00 00 00 00 00 00 00 00
         04 0c 06 00 f0 03`),
  )
})

test('refuses bytes after the message', () => {
  expect(() => decodeConnectInitial(Buffer.concat([initial, hex('00')]))).toThrow(/nothing more/)
})

test('every truncation is refused as malformed bytes', () => {
  for (let length = 0; length < initial.length; length += 1) {
    expect(() => decodeConnectInitial(initial.subarray(0, length))).toThrow(
      expect.objectContaining({ name: 'ProtocolError' }),
    )
  }
})
