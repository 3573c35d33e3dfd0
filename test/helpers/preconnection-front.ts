import { connect, type Socket } from 'node:net'
import { classifyFirstBytes, decodePreconnectionBlob } from '../../src/protocol/index.ts'
import { startTcpHost, type TcpHost } from './tcp-host.ts'

/** What stands before a console host that serves many VMs: it reads which one, and pipes on. */
export interface PreconnectionFront extends TcpHost {
  /** One entry for each whole blob so far: its text, and what came behind it. */
  readonly blobs: readonly { text: string | undefined; behind: string | undefined }[]
}

/** @param host where every VM's console is */
export async function startPreconnectionFront(host: {
  address: string
  port: number
}): Promise<PreconnectionFront> {
  const blobs: { text: string | undefined; behind: string | undefined }[] = []
  const front = await startTcpHost((client) => {
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
      console.on('error', () => console.destroy())
      console.write(rest)
      client.pipe(console).pipe(client)
      client.on('close', () => console.destroy())
      console.on('close', () => client.destroy())
    }
    client.on('data', read)
  })
  return { ...front, blobs }
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
