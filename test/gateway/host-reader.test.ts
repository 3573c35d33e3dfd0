import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { HEADROOM_BYTES, HostReader } from '../../src/gateway/host-reader.ts'

const CONTENT = randomBytes(4_000_000)

test('gives every byte once, in order, in buffers that stay as they are until done', async () => {
  const server = createServer((socket) => socket.end(CONTENT)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server's address is never a path.
  const { port } = server.address() as AddressInfo
  const reader = new HostReader()
  const socket = connect({ host: '127.0.0.1', port, onread: reader.onread }).pause()
  await once(socket, 'connect')

  const received = createHash('sha256')
  const waiting: (() => void)[] = []
  let most = 0
  reader.start(socket, (buffer, end, done) => {
    waiting.push(() => {
      received.update(buffer.subarray(HEADROOM_BYTES, end))
      done()
      done()
    })
    most = Math.max(most, reader.inFlight)
    // The oldest only once three wait: the reader has to stop and go on.
    if (waiting.length >= 3) setImmediate(() => waiting.shift()?.())
  })
  const drain = setInterval(() => waiting.shift()?.(), 5)
  await once(socket, 'end')
  clearInterval(drain)
  for (const finish of waiting) finish()
  server.close()

  expect(received.digest('hex')).toBe(createHash('sha256').update(CONTENT).digest('hex'))
  expect(most).toBe(3)
  expect(reader.inFlight).toBe(0)
})

test('reads a busy host into large buffers, and a quiet one into small ones again', async () => {
  const server = createServer((socket) => {
    socket.write(CONTENT.subarray(0, 200_000))
    socket.on('data', () => socket.write('quiet'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server's address is never a path.
  const { port } = server.address() as AddressInfo
  const reader = new HostReader()
  const socket = connect({ host: '127.0.0.1', port, onread: reader.onread }).pause()
  await once(socket, 'connect')

  const sizes: number[] = []
  let bytes = 0
  const finished = Promise.withResolvers<void>()
  reader.start(socket, (buffer, end, done) => {
    sizes.push(buffer.length)
    bytes += end - HEADROOM_BYTES
    done()
    if (bytes === 200_020) finished.resolve()
    else if (bytes >= 200_000) socket.write('next')
  })
  await finished.promise
  socket.destroy()
  server.close()

  const small = 4 * 1024
  expect(sizes[0]).toBe(small)
  expect(Math.max(...sizes)).toBe(32 * 1024)
  // Two of the four quiet reads go by before the buffer changes.
  expect(sizes.slice(-1)).toEqual([small])
})
