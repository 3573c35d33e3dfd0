import { expect, test } from 'vitest'
import { readHostAnswer } from '../../../src/gateway/probe/host-answer.ts'

test('an answer that is longer than any confirm is none, before it is waited for', () => {
  expect(readHostAnswer(Buffer.of(3, 0, 4, 0))).toBeUndefined()
  expect(readHostAnswer(Buffer.of(3, 0, 4, 1))).toMatchObject({
    kind: 'other',
    what: expect.stringContaining('allowed 1024 bytes, have 1025'),
  })
})
