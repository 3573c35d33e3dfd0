import { expect, test } from 'vitest'
import { isUntrusted } from '../../src/lib/untrusted.ts'

const failure = (code: string, cause?: unknown) =>
  Object.assign(new Error('a check has failed', { cause }), { code })

test('knows a certificate of no trusted authority, behind other errors as well', () => {
  const untrusted = failure('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  expect(isUntrusted(untrusted)).toBe(true)
  expect(isUntrusted(failure('ERR_CERTIFICATE', untrusted))).toBe(true)
})

test('takes nothing else for one', () => {
  for (const other of [failure('CERT_HAS_EXPIRED'), new Error('closed'), 'text', undefined]) {
    expect(isUntrusted(other)).toBe(false)
  }
})
