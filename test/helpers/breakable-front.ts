import { connect } from 'node:net'
import { startTcpHost, type TcpHost } from './tcp-host.ts'

/** A host's front on loopback whose connections a test can break. */
export interface BreakableFront extends TcpHost {
  /** Resets what is connected now, as a host that fails does; later connections pass again. */
  reset(): void
}

/** Passes every connection on to `host`. */
export async function startBreakableFront(host: {
  address: string
  port: number
}): Promise<BreakableFront> {
  const fronts = await startTcpHost((front) => {
    const back = connect({ host: host.address, port: host.port, noDelay: true })
    back.on('error', () => back.destroy())
    front.pipe(back).pipe(front)
    front.once('close', () => back.destroy())
    back.once('close', () => front.destroy())
  })
  return {
    ...fronts,
    reset() {
      for (const front of fronts.sockets) front.resetAndDestroy()
    },
  }
}
