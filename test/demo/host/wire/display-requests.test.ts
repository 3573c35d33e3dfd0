import { expect, test } from 'vitest'
import {
  decodeRefreshRect,
  decodeSuppressOutput,
} from '../../../../src/demo/host/wire/display-requests.ts'
import { hex } from '../../../helpers/hex.ts'

test('areas are inclusive on the wire', () => {
  expect(decodeRefreshRect(hex('01 00 00 00  04 00 08 00 07 00 08 00'))).toEqual([
    { x: 4, y: 8, width: 4, height: 1 },
  ])
})

test('an area that ends before it begins is empty', () => {
  expect(decodeRefreshRect(hex('01 00 00 00  08 00 00 00 00 00 00 00'))).toEqual([
    { x: 8, y: 0, width: 0, height: 1 },
  ])
})

test('refuses more areas than there are', () => {
  expect(() => decodeRefreshRect(hex('02 00 00 00  04 00 08 00 07 00 08 00'))).toThrow(
    expect.objectContaining({ name: 'ProtocolError' }),
  )
})

test('output is allowed by anything but 0', () => {
  expect(decodeSuppressOutput(hex('00 00 00 00'))).toBe(false)
  expect(decodeSuppressOutput(hex('01 00 00 00 00 00 00 00 ff 03 ff 02'))).toBe(true)
  expect(() => decodeSuppressOutput(hex(''))).toThrow(/allowDisplayUpdates/)
})
