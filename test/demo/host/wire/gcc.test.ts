import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeClientData, encodeServerData } from '../../../../src/demo/host/wire/gcc.ts'
import { hex } from '../../../helpers/hex.ts'
import { coreBlock, createRequest, gccBlock, networkBlock } from '../../../helpers/rdp-messages.ts'

test('reads what the test card needs and passes over every other block', () => {
  const request = createRequest(
    coreBlock({ width: 801, height: 601, earlyFlags: 0x0fb2 }),
    gccBlock(0xc002, Buffer.alloc(8)),
    networkBlock(4),
    gccBlock(0xc006, Buffer.alloc(4)),
    gccBlock(0xc00a, Buffer.alloc(4)),
  )
  expect(decodeClientData(request)).toEqual({
    desktopWidth: 801,
    desktopHeight: 601,
    supportsErrorInfo: false,
    supportsSkipChannelJoin: true,
    staticChannels: 4,
    wantsMessageChannel: true,
  })
})

test('a core without its optional fields has no early flags', () => {
  const data = decodeClientData(createRequest(coreBlock({ bytes: 128, earlyFlags: 0xffff })))
  expect(data).toMatchObject({ supportsErrorInfo: false, supportsSkipChannelJoin: false })
})

test('an odd number of channels is padded', () => {
  const response = encodeServerData({
    clientRequestedProtocols: 1,
    skipChannelJoin: true,
    ioChannel: 1003,
    staticChannels: [1004],
  })
  expect(response.includes(hex('03 0c 0c 00 eb 03 01 00 ec 03 00 00 02 0c'))).toBe(true)
})

test.each([
  ['no key', hex('00 05 00 14 7c 00 01 00')],
  ['no core', createRequest(networkBlock(1))],
  ['a core of 127 bytes', createRequest(coreBlock({ bytes: 127 }))],
  ['a block length under 4', createRequest(hex('01 c0 03 00'))],
  ['a block past the end', createRequest(hex('01 c0 ff 00'))],
  ['32 channels', createRequest(coreBlock(), networkBlock(32))],
  ['more channels than the block holds', createRequest(coreBlock(), networkBlock(1, 2))],
])('refuses %s', (_, request) => {
  expect(() => decodeClientData(request)).toThrow(
    expect.objectContaining({ name: 'ProtocolError' }),
  )
})

test('random blocks give a value or a ProtocolError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        decodeClientData(createRequest(coreBlock(), bytes))
      } catch (error) {
        expect(error).toHaveProperty('name', 'ProtocolError')
      }
    }),
  )
})
