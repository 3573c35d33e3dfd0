import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { KeyPair } from '../../src/certs/index.ts'
import { encodeConnectionConfirm, SecurityProtocol } from '../../src/protocol/index.ts'

type Behaviour = (socket: Socket) => void

/** Hosts that are wrong, each in its own way, by what a person would say of them. */
export const BROKEN: Record<string, Behaviour> = {
  'accepts and says nothing': (socket) => void socket.resume(),
  'resets at once': (socket) => void socket.resetAndDestroy(),
  'resets when asked': (socket) => void socket.once('data', () => socket.resetAndDestroy()),
  'closes when asked': (socket) => void socket.once('data', () => socket.end()),
  'answers HTTP': (socket) =>
    void socket.once('data', () =>
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'),
    ),
  'speaks VNC': (socket) => void socket.resume().write('RFB 003.008\n'),
  'speaks SSH': (socket) => void socket.resume().write('SSH-2.0-OpenSSH_9.2\r\n'),
  'answers with half a confirm': (socket) =>
    void socket.once('data', () => socket.end(Buffer.from('0300001306', 'hex'))),
  'answers with a TLS alert': (socket) =>
    void socket.once('data', () => socket.end(Buffer.from('15030100020246', 'hex'))),
}

/** An RDP host as far as its first answer, and TLS behind it when it has a certificate. */
export function rdpHost(tls?: KeyPair): Behaviour {
  return (socket) => {
    socket.once('data', () => {
      const selectedProtocol = tls === undefined ? SecurityProtocol.rdp : SecurityProtocol.ssl
      socket.write(encodeConnectionConfirm({ kind: 'selected', flags: 0, selectedProtocol }))
      if (tls === undefined) return
      const { certificatePem: cert, privateKeyPem: key } = tls
      const secure = new TLSSocket(socket, { isServer: true, cert, key })
      secure.on('error', () => socket.destroy())
      secure.resume()
    })
  }
}

/** It chooses TLS, and then has none. */
export const rdpWithoutItsTls: Behaviour = (socket) => {
  socket.once('data', () => {
    const selectedProtocol = SecurityProtocol.ssl
    socket.write(encodeConnectionConfirm({ kind: 'selected', flags: 0, selectedProtocol }))
    socket.once('data', () => socket.end('no TLS here'))
  })
}
