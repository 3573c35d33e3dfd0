import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { classifyFirstBytes, decodePreconnectionBlob } from '../../src/protocol/index.ts'

/** What stands before a console host that serves many VMs: it reads which one, and pipes on. */
export interface PreconnectionFront {
  address: '127.0.0.1'
  port: number
  /** One entry for each whole blob so far: its text, and what came behind it. */
  readonly blobs: readonly { text: string | undefined; behind: string | undefined }[]
  stop(): void
}

/** @param host where every VM's console is */
export async function startPreconnectionFront(host: {
  address: string
  port: number
}): Promise<PreconnectionFront> {
  const blobs: { text: string | undefined; behind: string | undefined }[] = []
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  }
  const server = createServer({ noDelay: true }, (client) => {
    keep(client)
    let received: Buffer = Buffer.alloc(0)
    let text: string | undefined
    let start: number | undefined
    const read = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk])
      if (start === undefined) {
        const decoded = decodeOrClose(received, client)
        if (decoded === undefined) return
        start = decoded.length
        text = decoded.blob.text
      }
      const rest = received.subarray(start)
      const behind = classifyFirstBytes(rest)
      if (behind === undefined) return
      blobs.push({ text, behind })
      client.off('data', read).pause()
      const console = connect({ host: host.address, port: host.port, noDelay: true })
      keep(console)
      console.write(rest)
      client.pipe(console).pipe(client)
      client.on('close', () => console.destroy())
      console.on('close', () => client.destroy())
    }
    client.on('data', read)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const listening = server.address()
  if (listening === null || typeof listening === 'string') throw new TypeError('no port')
  return {
    address: '127.0.0.1',
    port: listening.port,
    blobs,
    stop() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** A probe of another kind of host begins with something else. */
function decodeOrClose(received: Buffer, client: Socket) {
  try {
    return decodePreconnectionBlob(received)
  } catch {
    client.destroy()
    return undefined
  }
}
