import { expect, test } from 'vitest'
import {
  answerControl,
  ErrorInfo,
  encodeFontMap,
  encodeLogonNotify,
  encodeSetErrorInfo,
  encodeSynchronize,
} from '../../../../src/demo/host/wire/finalization.ts'
import { hex } from '../../../helpers/hex.ts'

/** Bytes that FreeRDP 2, FreeRDP 3 and IronRDP were measured with; share id 0x000103f3, user 1007. */
test('writes the messages that clients were measured with', () => {
  expect(encodeSynchronize(1007)).toEqual(
    hex('16 00 17 00 ea 03 f3 03 01 00 00 01 08 00 1f 00 00 00 01 00 ef 03'),
  )
  expect(answerControl(hex('04 00 00 00 00 00 00 00'), 1007)).toEqual(
    hex('1a 00 17 00 ea 03 f3 03 01 00 00 01 0c 00 14 00 00 00 04 00 00 00 00 00 00 00'),
  )
  expect(answerControl(hex('01 00 00 00 00 00 00 00'), 1007)).toEqual(
    hex('1a 00 17 00 ea 03 f3 03 01 00 00 01 0c 00 14 00 00 00 02 00 ef 03 ea 03 00 00'),
  )
  expect(encodeFontMap()).toEqual(
    hex('1a 00 17 00 ea 03 f3 03 01 00 00 01 0c 00 28 00 00 00 00 00 00 00 03 00 04 00'),
  )
})

test('detach wants no answer', () => {
  expect(answerControl(hex('03 00 00 00 00 00 00 00'), 1007)).toBeUndefined()
})

test('an error is one code of 32 bits', () => {
  expect(encodeSetErrorInfo(ErrorInfo.idleTimeout).subarray(-4)).toEqual(hex('03 00 00 00'))
})

test('the logon notify has its 576 bytes of padding', () => {
  expect(encodeLogonNotify()).toHaveLength(6 + 12 + 4 + 576)
})
