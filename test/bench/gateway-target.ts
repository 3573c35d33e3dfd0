/**
 * What a gateway is measured in front of, as a process of its own: an echo, a flood, a sink, and the echo once
 * more behind TLS of its own. A connection's first bytes wake the flood. Started by `gateway-rig.ts` with
 * certificate and key; its ports are the one message that it sends.
 */
import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { KeyPair } from '../../src/certs/index.ts'

export interface TargetPorts {
  echo: number
  flood: number
  sink: number
  tlsEcho: number
}

const FLOOD = Buffer.alloc(64 * 1024, 'flood')

function echo(socket: Socket): void {
  socket.on('data', (bytes: Buffer) => void socket.write(bytes))
}

function flood(socket: Socket): void {
  const fill = (): void => {
    while (socket.writable && socket.write(FLOOD)) {
      // Until the socket's queue is full.
    }
  }
  socket.once('data', fill)
  socket.on('data', () => {})
  socket.on('drain', fill)
}

function sink(socket: Socket): void {
  socket.resume()
}

function guarded(serve: (socket: Socket) => void): (socket: Socket) => void {
  return (socket) => {
    socket.setNoDelay(true)
    socket.on('error', () => {})
    serve(socket)
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen({ host: '127.0.0.1', port: 0, backlog: 1_024 }, () => {
      // A TCP server that listens has an address and a port.
      resolve((server.address() as AddressInfo).port)
    })
  })
}

process.once('message', async ({ certificatePem, privateKeyPem }: KeyPair) => {
  const ports: TargetPorts = {
    echo: await listen(createServer(guarded(echo))),
    flood: await listen(createServer(guarded(flood))),
    sink: await listen(createServer(guarded(sink))),
    tlsEcho: await listen(
      createTlsServer({ cert: certificatePem, key: privateKeyPem }, guarded(echo)),
    ),
  }
  process.send?.(ports)
})
process.once('disconnect', () => process.exit())
