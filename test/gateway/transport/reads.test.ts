import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { PacketInbox } from '../../../src/gateway/transport/packet-inbox.ts'
import { takeReads } from '../../../src/gateway/transport/reads.ts'

/** What the socket gave, after everybody is through with it. */
function read(bytes: Buffer, isDoneWith: boolean): { taken: number; bytes: Buffer } {
  // Of a socket no more is used than its event.
  const socket = new EventEmitter() as Socket
  const inbox = new PacketInbox({ pause() {}, resume() {} }, 1)
  inbox.divert({ onPacket() {}, onReadEnd: () => isDoneWith })
  let taken = 0
  takeReads(socket, inbox, ({ length }) => {
    taken = length
  })
  socket.emit('data', bytes)
  return { taken, bytes }
}

test('gives the memory of a large read back once nothing refers to it', () => {
  const { taken, bytes } = read(Buffer.allocUnsafeSlow(16_384), true)
  expect(taken).toBe(16_384)
  expect(bytes).toHaveLength(0)
})

test('leaves memory alone that is still waited for, is small or is shared', () => {
  expect(read(Buffer.allocUnsafeSlow(16_384), false).bytes).toHaveLength(16_384)
  expect(read(Buffer.allocUnsafeSlow(100), true).bytes).toHaveLength(100)
  expect(read(Buffer.allocUnsafeSlow(32_768).subarray(16_384), true).bytes).toHaveLength(16_384)
})
