import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { type Endpoint, formatEndpoint, type Secret } from '../lib/index.ts'
import { ConsoleChannel } from './console-channel.ts'
import { dialTcp, startTls } from './dial.ts'
import type { RequestIdentity } from './http-head.ts'
import { openHttpPair } from './http-pair.ts'
import { setUp } from './set-up.ts'
import { Steps, type StepsOptions } from './steps.ts'
import type { Transport, TransportKind } from './transport.ts'
import { openWebSocket } from './websocket.ts'

export interface OpenConsoleOptions extends StepsOptions {
  gateway: Endpoint
  /** PEM of the authorities that may vouch for the gateway; the system's when absent. */
  ca?: string | undefined
  transport: TransportKind
  /** The gateway token. */
  token: Secret
  /** As the token names it. */
  target: Endpoint
  /** The computer name that the gateway may log; `portcullis` when absent. */
  clientName?: string
}

/**
 * Goes through a gateway to a target: all steps up to an open channel, which is the caller's to destroy.
 *
 * @throws StepError naming the step: `ERR_REFUSED` with the gateway's code, `ERR_CERTIFICATE`,
 *   `ERR_NO_ANSWER`, `ERR_DEADLINE`, or what a gateway did wrong (`ERR_PACKET_…`, `ERR_HTTP_…`)
 */
export async function openConsole(options: OpenConsoleOptions): Promise<ConsoleChannel> {
  const { token, target, clientName = 'portcullis' } = options
  const steps = new Steps(options)
  const transport = await openTransport(steps, options)
  try {
    const granted = await setUp(steps, transport, { token, target, clientName })
    return new ConsoleChannel(transport, granted)
  } catch (error) {
    transport.destroy()
    throw error
  }
}

async function openTransport(
  steps: Steps,
  { gateway, ca, transport }: OpenConsoleOptions,
): Promise<Transport> {
  const tls = { ca, host: gateway.host }
  const identity: RequestIdentity = {
    host: formatEndpoint(gateway),
    connectionId: randomUUID(),
    correlationId: randomUUID(),
  }
  const tcp = await steps.run('connect', (signal) => dialTcp(gateway, signal))
  const socket = await steps.run('tls', (signal) => startTls(tcp, tls, signal))
  try {
    return await steps.run('transport', (signal) => {
      if (transport === 'websocket') return openWebSocket(socket, identity, signal)
      // IN must reach the same node as OUT: behind one name there may be several addresses.
      const address = { host: tcp.remoteAddress ?? gateway.host, port: gateway.port }
      const dialIn = async (): Promise<Socket> =>
        startTls(await dialTcp(address, signal), tls, signal)
      return openHttpPair(socket, dialIn, identity, signal)
    })
  } catch (error) {
    socket.destroy()
    throw error
  }
}
