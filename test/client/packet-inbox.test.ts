import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { PacketInbox } from '../../src/client/packet-inbox.ts'
import { BrokerError } from '../../src/lib/index.ts'
import { encodeCloseChannel, encodeKeepAlive, PacketType } from '../../src/protocol/index.ts'

const never = new AbortController().signal

function createInbox(): { inbox: PacketInbox; socket: PassThrough } {
  const socket = new PassThrough()
  socket.resume()
  return { inbox: new PacketInbox(socket), socket }
}

test('gives packets in order, those that came before the question too', async () => {
  const { inbox } = createInbox()
  inbox.push(Buffer.concat([encodeKeepAlive(), encodeCloseChannel(1)]))
  expect((await inbox.next(never)).type).toBe(PacketType.keepAlive)
  expect((await inbox.next(never)).type).toBe(PacketType.closeChannel)
  const asked = inbox.next(never)
  inbox.push(encodeKeepAlive())
  expect((await asked).type).toBe(PacketType.keepAlive)
})

test('pauses a gateway that sends more than is asked for, and resumes it', async () => {
  const { inbox, socket } = createInbox()
  for (let count = 0; count < 16; count += 1) inbox.push(encodeKeepAlive())
  expect(socket.isPaused()).toBe(true)
  await inbox.next(never)
  expect(socket.isPaused()).toBe(false)
})

test('an end comes after the packets before it; an orderly one is no answer', async () => {
  const { inbox } = createInbox()
  inbox.push(encodeKeepAlive())
  inbox.end()
  inbox.end(new BrokerError('ERR_CLOSED', 'too late'))
  expect((await inbox.next(never)).type).toBe(PacketType.keepAlive)
  await expect(inbox.next(never)).rejects.toMatchObject({ code: 'ERR_NO_ANSWER' })
})

test('bytes that break the protocol end it with what was wrong', async () => {
  const { inbox } = createInbox()
  const asked = inbox.next(never)
  inbox.push(Buffer.from('0d000000ffffffff', 'hex'))
  await expect(asked).rejects.toMatchObject({ code: 'ERR_PACKET_TOO_LARGE' })
})

test('a question can be taken back, and the next one gets the packet', async () => {
  const { inbox } = createInbox()
  const enough = new AbortController()
  const asked = inbox.next(enough.signal)
  enough.abort(new BrokerError('ERR_DEADLINE', 'enough'))
  await expect(asked).rejects.toMatchObject({ code: 'ERR_DEADLINE' })
  inbox.push(encodeKeepAlive())
  expect((await inbox.next(never)).type).toBe(PacketType.keepAlive)
})

test('a sink gets what waits, what comes, and one end', () => {
  const { inbox } = createInbox()
  const seen: string[] = []
  inbox.push(encodeKeepAlive())
  inbox.divert({
    onPacket: ({ type }) => seen.push(`packet ${type}`),
    onEnd: (reason) => seen.push(`end ${reason?.code}`),
  })
  inbox.push(encodeCloseChannel(0))
  inbox.end(new BrokerError('ERR_CLOSED', 'reset'))
  inbox.end()
  inbox.push(encodeKeepAlive())
  expect(seen).toEqual(['packet 13', 'packet 16', 'end ERR_CLOSED'])
})
