import type { Socket } from 'node:net'
import { startTcpHost, type TcpHost } from '../../helpers/tcp-host.ts'
import type { Plan } from './plan.ts'

/** The machine behind the node: it echoes, and behaves towards each client as that session's plan says. */
export interface ChaosHost extends TcpHost {
  /** Bytes that no client has sent. */
  readonly faults: readonly string[]
}

/** @param planOf the session of a connection, told by the address it comes from */
export async function startChaosHost(planOf: (address: string) => Plan): Promise<ChaosHost> {
  const faults: string[] = []
  const host = await startTcpHost((socket) => {
    serve(socket, planOf(socket.remoteAddress ?? ''), (fault) => faults.push(fault))
  })
  return { ...host, faults }
}

function serve(socket: Socket, { index, payload, host }: Plan, fault: (text: string) => void) {
  const { pause, end } = host
  let received = 0
  let paused = false
  socket.on('data', (bytes: Buffer) => {
    if (!bytes.equals(payload.subarray(received, received + bytes.length))) {
      fault(`session ${index}: the host got bytes at ${received} that were not sent`)
    }
    received += bytes.length
    if (socket.writable && !socket.write(bytes)) {
      socket.pause()
      socket.once('drain', () => socket.resume())
    }
    if (pause !== undefined && received > pause.afterBytes && !paused) {
      paused = true
      socket.pause()
      setTimeout(() => socket.resume(), pause.ms)
    }
    if (end !== undefined && received > end.afterBytes) {
      if (end.by === 'end') socket.end()
      else socket.resetAndDestroy()
    }
  })
}
