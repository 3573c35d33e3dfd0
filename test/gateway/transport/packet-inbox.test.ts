import { expect, test } from 'vitest'
import { PacketInbox } from '../../../src/gateway/transport/packet-inbox.ts'
import { ProtocolError, Refusal } from '../../../src/lib/index.ts'
import { encodeData, encodeKeepAlive, PacketType } from '../../../src/protocol/index.ts'

function inbox(maxQueued = 2) {
  const calls: string[] = []
  const flow = { pause: () => calls.push('pause'), resume: () => calls.push('resume') }
  return { calls, inbox: new PacketInbox(flow, maxQueued) }
}

test('gives packets in order, whether asked before or after they come', async () => {
  const { inbox: box } = inbox()
  const asked = box.receive()
  box.push(Buffer.concat([encodeKeepAlive(), encodeData(Buffer.from('a'))]))
  expect((await asked).type).toBe(PacketType.keepAlive)
  expect((await box.receive()).type).toBe(PacketType.data)
})

test('pauses the client while packets wait, and lets it go on afterwards', async () => {
  const { inbox: box, calls } = inbox(2)
  box.push(encodeKeepAlive())
  expect(calls).toEqual([])
  box.push(encodeKeepAlive())
  expect(calls).toEqual(['pause'])
  await box.receive()
  expect(calls).toEqual(['pause', 'resume'])
})

test('ends when more packets come in one piece than may wait, and keeps none of them', async () => {
  const { inbox: box } = inbox(2)
  box.push(Buffer.concat(Array.from({ length: 2 }, encodeKeepAlive)))
  expect(box.ended.aborted).toBe(false)
  box.push(encodeKeepAlive())
  expect(box.ended.reason).toMatchObject({ code: 'ERR_PACKET_UNEXPECTED' })
  expect(box.takeWaiting()).toEqual([])
})

test('hands everything straight on once diverted, what waited first', () => {
  const { inbox: box } = inbox()
  const types: number[] = []
  box.push(encodeKeepAlive())
  box.divert({ onPacket: ({ type }) => types.push(type), onReadEnd: () => true })
  box.push(encodeData(Buffer.from('a')))
  expect(types).toEqual([PacketType.keepAlive, PacketType.data])
})

test('the first end wins and reaches whoever waits', async () => {
  const { inbox: box } = inbox()
  const asked = box.receive()
  box.end(new Refusal('client-closed', 'first'))
  box.end(new Refusal('killed', 'second'))
  await expect(asked).rejects.toMatchObject({ reason: 'client-closed' })
  await expect(box.receive()).rejects.toMatchObject({ reason: 'client-closed' })
  expect(box.ended.reason).toMatchObject({ reason: 'client-closed' })
})

test('bytes that are no packet end it, and so does a sink that throws', () => {
  const { inbox: box } = inbox()
  box.push(Buffer.alloc(8))
  expect(box.ended.reason).toBeInstanceOf(ProtocolError)

  const { inbox: other } = inbox()
  const seen: number[] = []
  other.divert({
    onPacket({ type }) {
      seen.push(type)
      throw new Refusal('vm-mismatch', 'no')
    },
    onReadEnd: () => true,
  })
  other.push(Buffer.concat([encodeKeepAlive(), encodeKeepAlive()]))
  expect(other.ended.reason).toMatchObject({ reason: 'vm-mismatch' })
  expect(seen).toHaveLength(1)
})
