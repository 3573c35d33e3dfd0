import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { BrokerError, type Endpoint, formatEndpoint, type Secret } from '../lib/index.ts'
import { ConsoleChannel } from './console-channel.ts'
import { dialTcp, startTls } from './dial.ts'
import type { RequestIdentity } from './http-head.ts'
import { openHttpPair } from './http-pair.ts'
import { setUp } from './set-up.ts'
import { Steps, type StepsOptions } from './steps.ts'
import type { Transport, TransportKind } from './transport.ts'
import { openWebSocket } from './websocket.ts'

/** Lengths on the wire are 16 bits and count bytes of UTF-16, its NUL included. */
const MAX_TEXT_CHARACTERS = 32_766

export interface OpenConsoleOptions extends StepsOptions {
  gateway: Endpoint
  /** Where to connect instead, for one node of a farm; it has to prove to be `gateway` all the same. */
  dial?: Endpoint | undefined
  /** Literal address of this machine to come from; the system's choice when absent. */
  from?: string
  /** A GUID by which the gateway's log knows this attempt; a random one when absent. */
  connectionId?: string
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
 *   `ERR_NO_ANSWER`, `ERR_DEADLINE`, or what a gateway did wrong (`ERR_PACKET_…`, `ERR_HTTP_…`);
 *   BrokerError `ERR_USAGE`, before anything is dialled, for a text that no packet can carry
 */
export async function openConsole(options: OpenConsoleOptions): Promise<ConsoleChannel> {
  const { token, target, clientName = 'portcullis' } = options
  expectFits('token', token)
  expectFits('target', target.host)
  expectFits('clientName', clientName)
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

async function openTransport(steps: Steps, options: OpenConsoleOptions): Promise<Transport> {
  const { gateway, dial = gateway, from, ca, transport, connectionId = randomUUID() } = options
  const tls = { ca, host: gateway.host }
  const identity: RequestIdentity = {
    host: formatEndpoint(gateway),
    connectionId,
    correlationId: randomUUID(),
  }
  const tcp = await steps.run('connect', (signal) => dialTcp(dial, signal, from))
  try {
    const socket = await steps.run('tls', (signal) => startTls(tcp, tls, signal))
    return await steps.run('transport', (signal) => {
      if (transport === 'websocket') return openWebSocket(socket, identity, signal)
      // IN must reach the same node as OUT: behind one name there may be several addresses.
      const address = { host: tcp.remoteAddress ?? dial.host, port: dial.port }
      const dialIn = async (): Promise<Socket> =>
        startTls(await dialTcp(address, signal, from), tls, signal)
      return openHttpPair(socket, dialIn, identity, signal)
    })
  } catch (error) {
    // Takes TLS with it. The step may also have ended before it had the socket in its hands.
    tcp.destroy()
    throw error
  }
}

function expectFits(name: string, { length }: { length: number }): void {
  if (length <= MAX_TEXT_CHARACTERS) return
  const message = `${name}: need at most ${MAX_TEXT_CHARACTERS} characters, have ${length}`
  throw new BrokerError('ERR_USAGE', message)
}
