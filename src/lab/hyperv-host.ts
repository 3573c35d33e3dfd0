import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { KeyPair } from '../certs/index.ts'

/** A host that speaks as Hyper-V's console does: a preconnection blob, then TLS. Behind that it has nothing. */
export interface HyperVHost {
  port: number
  close(): void
}

/** cbSize, the first field of a preconnection blob, [MS-RDPEPS] 2.2.1.1: the bytes of all of it. */
const SIZE_BYTES = 4
const MAX_BLOB_BYTES = 4_096

export async function startHyperVHost({
  certificatePem,
  privateKeyPem,
}: KeyPair): Promise<HyperVHost> {
  const secureContext = createSecureContext({ cert: certificatePem, key: privateKeyPem })
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).once('close', () => sockets.delete(socket))
    afterBlob(socket, () => {
      new TLSSocket(socket, { isServer: true, secureContext }).on('error', () => {}).resume()
    })
  })
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  // A TCP server's address is an object while it listens.
  const { port } = server.address() as AddressInfo
  return {
    port,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Calls back once the blob is read; what lies behind it goes back to the socket. */
function afterBlob(socket: Socket, done: () => void): void {
  let received: Buffer = Buffer.alloc(0)
  const onData = (bytes: Buffer): void => {
    received = Buffer.concat([received, bytes])
    if (received.length < SIZE_BYTES) return
    const size = received.readUInt32LE(0)
    if (size < SIZE_BYTES || size > MAX_BLOB_BYTES) {
      socket.destroy()
      return
    }
    if (received.length < size) return
    socket.off('data', onData).pause()
    if (received.length > size) socket.unshift(received.subarray(size))
    done()
  }
  socket.on('data', onData)
}
