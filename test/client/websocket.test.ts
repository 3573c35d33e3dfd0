import { createHash } from 'node:crypto'
import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { openWebSocket } from '../../src/client/websocket.ts'

const IDENTITY = { host: 'gw', connectionId: 'connection', correlationId: 'correlation' }
const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const PINGS = Buffer.concat(
  Array.from({ length: 100 }, () => Buffer.concat([Buffer.from([0x89, 125]), Buffer.alloc(125)])),
)

/** A gateway that agrees to the upgrade and reads nothing of what comes behind the request. */
function deafGateway(): Duplex {
  const socket = new Duplex({
    read() {},
    write(bytes: Buffer) {
      const key = /Sec-WebSocket-Key: (\S+)/.exec(bytes.toString('latin1'))?.[1]
      const accept = createHash('sha1').update(`${key}${ACCEPT_GUID}`).digest('base64')
      socket.push(`HTTP/1.1 101 Yes\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`)
    },
  })
  return socket
}

test('answers to pings do not pile up for a gateway that does not read', async () => {
  const socket = deafGateway()
  await openWebSocket(socket, IDENTITY, AbortSignal.timeout(5_000))
  for (let sent = 0; sent < 20; sent++) {
    socket.push(PINGS)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(socket.writableLength).toBeGreaterThan(0)
  expect(socket.writableLength).toBeLessThan(2 * socket.writableHighWaterMark)
})
