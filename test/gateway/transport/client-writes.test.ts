import { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { ClientWrites } from '../../../src/gateway/transport/client-writes.ts'

const LARGE = 20_000

/** Takes writes when it is told to. */
function slowly(socket: Socket) {
  const taken: number[] = []
  const finish: (() => void)[] = []
  Object.defineProperty(socket, 'write', {
    value: (bytes: Uint8Array, done: () => void) => {
      taken.push(bytes.length)
      finish.push(done)
      return true
    },
  })
  const done: number[] = []
  const writes = new ClientWrites(socket)
  return {
    taken,
    done,
    writes,
    write(length: number) {
      writes.write(new Uint8Array(length), () => done.push(length))
    },
    finishNext: () => finish.shift()?.(),
  }
}

const overTls = () => slowly(new TLSSocket(new PassThrough()))

test('large packets over TLS go one by one, each when the one before is out', () => {
  const { write, taken, done, writes, finishNext } = overTls()
  for (const more of [1, 2, 3]) write(LARGE + more)
  expect(taken).toEqual([LARGE + 1])
  expect(writes.queuedBytes).toBe(2 * LARGE + 5)
  finishNext()
  expect(taken).toEqual([LARGE + 1, LARGE + 2])
  expect(done).toEqual([LARGE + 1])
  finishNext()
  finishNext()
  expect(taken).toEqual([LARGE + 1, LARGE + 2, LARGE + 3])
  expect(done).toEqual(taken)
  expect(writes.queuedBytes).toBe(0)
})

test('small packets are left to the socket to gather, but never overtake what waits', () => {
  const { write, taken, finishNext } = overTls()
  for (const length of [LARGE, 1, 2, LARGE + 1, 3]) write(length)
  expect(taken).toEqual([LARGE, 1, 2])
  for (const _ of taken.slice()) finishNext()
  expect(taken).toEqual([LARGE, 1, 2, LARGE + 1, 3])
})

test('the socket gets everything in order before it ends', () => {
  const { write, taken, done, writes, finishNext } = overTls()
  for (const length of [LARGE, LARGE + 1, 1]) write(length)
  writes.flush()
  expect(taken).toEqual([LARGE, LARGE + 1, 1])
  expect(writes.queuedBytes).toBe(0)
  for (const _ of taken) finishNext()
  expect(done).toEqual(taken)
})

test('what a closed socket cannot take is done with at once', () => {
  const socket = new TLSSocket(new PassThrough())
  const { write, taken, done, finishNext } = slowly(socket)
  for (const length of [LARGE, LARGE + 1, 1]) write(length)
  socket.destroy()
  finishNext()
  write(2)
  expect(taken).toEqual([LARGE])
  expect(done).toEqual([LARGE, LARGE + 1, 1, 2])
})

test('without TLS nothing waits, since nothing is copied', () => {
  const { write, taken } = slowly(new Socket())
  for (const length of [LARGE, LARGE, 1]) write(length)
  expect(taken).toEqual([LARGE, LARGE, 1])
})
