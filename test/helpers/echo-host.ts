import * as lab from '../../src/lab/index.ts'

/** A host that sends back whatever it gets: shows that bytes still flow both ways. */
export interface EchoHost {
  host: string
  port: number
  stop(): void
}

export async function startEchoHost(): Promise<EchoHost> {
  const { address, close: stop } = await lab.startEchoHost({ host: '127.0.0.1', port: 0 })
  return { ...address, stop }
}
