import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { beforeEach, expect, test } from 'vitest'
import { FirstBytes } from '../../../src/gateway/relay/first-bytes.ts'
import { ToHost } from '../../../src/gateway/relay/to-host.ts'

let writes: string[]
let flow: string[]
/** Lets a slow host take what was written. */
let take: (() => void) | undefined
let isSlow: boolean
let toHost: ToHost

beforeEach(() => {
  writes = []
  flow = []
  isSlow = false
  const written = (chunks: Buffer[], done: () => void): void => {
    writes.push(Buffer.concat(chunks).toString())
    if (isSlow) take = done
    else done()
  }
  // Of a socket no more is used than that it is a writable stream.
  const socket = new Writable({
    highWaterMark: 8,
    write: (chunk, _encoding, done) => written([chunk], done),
    writev: (chunks, done) =>
      written(
        chunks.map(({ chunk }) => chunk),
        done,
      ),
  }) as unknown as Socket
  const client = { pause: () => flow.push('pause'), resume: () => flow.push('resume') }
  toHost = new ToHost(socket, new FirstBytes(() => true), client, 32)
})

test('writes the packets of one read at once', async () => {
  for (const text of ['one ', 'two ', 'three']) toHost.push(Buffer.from(text))
  expect(writes).toEqual([])
  expect(toHost.flush()).toBe(true)
  expect(writes).toEqual(['one two three'])
  expect(toHost.bytes).toBe(13)
  await new Promise(setImmediate)
  expect(flow).toEqual([])
})

test('pauses the client while a slow host has more to take than may wait', async () => {
  isSlow = true
  toHost.push(Buffer.alloc(10, 'a'))
  expect(toHost.flush()).toBe(false)
  expect(flow).toEqual(['pause'])
  expect(toHost.waiting).toBe(true)
  take?.()
  await new Promise(setImmediate)
  expect(flow).toEqual(['pause', 'resume'])
  expect(toHost.waiting).toBe(false)
})

test('refuses to keep more than its cap', () => {
  isSlow = true
  toHost.push(Buffer.alloc(32))
  expect(toHost.flush()).toBe(false)
  toHost.push(Buffer.alloc(1))
  expect(() => toHost.flush()).toThrow('host: 33 bytes wait for it')
})
