import { TLSSocket } from 'node:tls'
import { decodePreconnectionBlob } from '../../src/protocol/index.ts'
import { startTcpHost, type TcpHost } from './tcp-host.ts'
import { createTestKeyPair } from './test-key-pair.ts'

/** One connection as Hyper-V's console port saw it, in order. */
export interface HyperVConnection {
  /** Bytes of the blob as they came, lower-case hex. */
  blob: string
  text: string | undefined
  /** What came behind the blob led to TLS. */
  tls: boolean
  /** First byte inside TLS: 0x30 begins CredSSP's TSRequest, a DER sequence. */
  firstInside: number | undefined
}

/**
 * The host's side of a Hyper-V console as far as it is public ([MS-RDPEPS] notes 2, 5, 9; [MS-RDPBCGR]
 * 5.4.2.2): a blob of version 2 that names one of its VMs, then TLS without X.224, then CredSSP, which it
 * does not answer. What is wrong with the blob ends the connection.
 */
export interface HyperVHost extends TcpHost {
  readonly connections: readonly HyperVConnection[]
}

const TEXT = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(;EnhancedMode=1)?$/i

/** @param vms their GUIDs, lower case; any VM when absent */
export async function startHyperVHost(vms?: readonly string[]): Promise<HyperVHost> {
  const { certificatePem: cert, privateKeyPem: key } = await createTestKeyPair()
  const connections: HyperVConnection[] = []
  const host = await startTcpHost((client) => {
    let received: Buffer = Buffer.alloc(0)
    const read = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk])
      let decoded: ReturnType<typeof decodePreconnectionBlob>
      try {
        decoded = decodePreconnectionBlob(received)
      } catch {
        client.destroy()
        return
      }
      if (decoded === undefined) return
      client.off('data', read).pause()
      const { blob, length } = decoded
      const guid = TEXT.exec(blob.text ?? '')?.[1]?.toLowerCase()
      const connection: HyperVConnection = {
        blob: received.subarray(0, length).toString('hex'),
        text: blob.text,
        tls: false,
        firstInside: undefined,
      }
      connections.push(connection)
      if (guid === undefined || (vms !== undefined && !vms.includes(guid))) {
        client.destroy()
        return
      }
      client.unshift(received.subarray(length))
      const secure = new TLSSocket(client, { isServer: true, cert, key })
      secure.on('error', () => client.destroy())
      secure.on('secure', () => {
        connection.tls = true
      })
      secure.once('data', (bytes: Buffer) => {
        connection.firstInside = bytes[0]
      })
    }
    client.on('data', read)
  })
  return { ...host, connections }
}
