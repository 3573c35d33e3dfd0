import { expect, test } from 'vitest'
import { REFUSAL_BYTES, refusalIn } from '../../../src/gateway/relay/host-answer.ts'
import { encodeConnectionConfirm, NegotiationFailureCode } from '../../../src/protocol/index.ts'

const { hybridRequiredByServer } = NegotiationFailureCode
const no = encodeConnectionConfirm({ kind: 'failure', failureCode: hybridRequiredByServer })

test('a host that says no in the words of RDP is heard, with its code', () => {
  expect(no).toHaveLength(REFUSAL_BYTES)
  expect(refusalIn(no)).toBe(hybridRequiredByServer)
})

test.each([
  ['yes', encodeConnectionConfirm({ kind: 'selected', flags: 0, selectedProtocol: 1 })],
  ['no choice at all', encodeConnectionConfirm({ kind: 'plain' })],
  ['a part of no', no.subarray(0, -1)],
  ['no and more', Buffer.concat([no, Buffer.of(0)])],
  ['another protocol, as long', Buffer.from('HTTP/1.1 400 Bad R\n')],
  ['no with another length inside', Buffer.from(no).fill(9, 13, 14)],
])('%s is no refusal', (_, bytes) => {
  expect(refusalIn(bytes)).toBeUndefined()
})
