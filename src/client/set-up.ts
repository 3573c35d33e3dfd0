import { type Endpoint, ProtocolError, type Secret } from '../lib/index.ts'
import {
  Capability,
  CHANNEL_PROTOCOL,
  decodeChannelResponse,
  decodeHandshakeResponse,
  decodeTunnelAuthResponse,
  decodeTunnelResponse,
  ExtendedAuth,
  encodeChannelCreate,
  encodeHandshakeRequest,
  encodeTunnelAuth,
  encodeTunnelCreate,
  PacketType,
} from '../protocol/index.ts'
import { StepError, type StepName, type Steps } from './steps.ts'
import type { Transport } from './transport.ts'

export interface SetUpOptions {
  token: Secret
  target: Endpoint
  /** The computer name that the gateway may log. */
  clientName: string
}

/** As FreeRDP, without the consent that only a person could give. */
const CAPABILITIES = Capability.messagingServiceMsg | Capability.idleTimeout

/** What a gateway granted. */
export interface Granted {
  capsFlags: number
  redirFlags: number
  idleTimeoutMinutes: number
}

/**
 * The client's half of [MS-TSGU] 1.3.2.1.2: handshake, tunnel, authorization, channel.
 *
 * @throws StepError
 */
export async function setUp(
  steps: Steps,
  transport: Transport,
  { token, target, clientName }: SetUpOptions,
): Promise<Granted> {
  const ask = async (
    request: Uint8Array,
    answer: PacketType,
    signal: AbortSignal,
  ): Promise<Uint8Array> => {
    transport.send(request)
    return receive(transport, answer, signal)
  }

  await steps.run('handshake', async (signal) => {
    const { errorCode } = decodeHandshakeResponse(
      await ask(
        encodeHandshakeRequest({
          verMajor: 1,
          verMinor: 0,
          clientVersion: 0,
          extendedAuth: ExtendedAuth.paa,
        }),
        PacketType.handshakeResponse,
        signal,
      ),
    )
    expectSuccess('handshake', errorCode)
  })

  const tunnel = await steps.run('tunnel', async (signal) => {
    const request = encodeTunnelCreate({ capsFlags: CAPABILITIES, paaCookie: token })
    const response = decodeTunnelResponse(await ask(request, PacketType.tunnelResponse, signal))
    expectSuccess('tunnel', response.statusCode)
    return response
  })

  const authorization = await steps.run('authorization', async (signal) => {
    const request = encodeTunnelAuth({ clientName })
    const response = decodeTunnelAuthResponse(
      await ask(request, PacketType.tunnelAuthResponse, signal),
    )
    expectSuccess('authorization', response.errorCode)
    return response
  })

  await steps.run('channel', async (signal) => {
    const request = encodeChannelCreate({
      resources: [target.host],
      altResources: [],
      port: target.port,
      protocol: CHANNEL_PROTOCOL,
    })
    const response = decodeChannelResponse(await ask(request, PacketType.channelResponse, signal))
    expectSuccess('channel', response.errorCode)
  })

  return {
    capsFlags: tunnel.capsFlags ?? 0,
    redirFlags: authorization.redirFlags ?? 0,
    idleTimeoutMinutes: authorization.idleTimeoutMinutes ?? 0,
  }
}

async function receive(
  transport: Transport,
  type: PacketType,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const packet = await transport.inbox.next(signal)
  if (packet.type === type) return packet.body
  const message = `need type ${type}, have ${packet.type}`
  throw new ProtocolError('ERR_PACKET_UNEXPECTED', 'HTTP_PACKET', 'packetType', message)
}

/** Any code but 0 ends the protocol for a client that keeps to [MS-TSGU] 3.7.5.2. */
function expectSuccess(step: StepName, statusCode: number): void {
  if (statusCode !== 0) throw StepError.refused(step, statusCode)
}
