import { randomInt } from 'node:crypto'
import { type Endpoint, errorText, ProtocolError, Refusal } from '../lib/index.ts'
import {
  Capability,
  CHANNEL_PROTOCOL,
  decodeChannelCreate,
  decodeHandshakeRequest,
  decodeTunnelAuth,
  ExtendedAuth,
  encodeChannelResponse,
  encodeHandshakeResponse,
  encodeTunnelAuthResponse,
  encodeTunnelResponse,
  type HandshakeRequest,
  PacketType,
  Status,
} from '../protocol/index.ts'
import { type Admitted, admit } from './admission.ts'
import { matchTarget } from './channel-target.ts'
import { Conversation } from './conversation.ts'
import { type DialOptions, dialHost, type HostConnection } from './dial.ts'
import { type FirstBytesRule, firstBytesRule } from './relay/first-bytes-rule.ts'
import { reasonOf } from './status.ts'
import type { Tunnel } from './tunnel.ts'

/** Of what a client offers we take part in these; quarantine, reauthentication and UDP never. */
const CAPABILITIES =
  Capability.idleTimeout | Capability.messagingConsentSign | Capability.messagingServiceMsg

/** A tunnel has one channel; Windows clients want its id to be at least 1. */
const CHANNEL_ID = 1

/** What set-up leads to. */
export interface OpenChannel extends Admitted {
  /** Connected; its bytes have not been read yet. */
  host: HostConnection
  firstBytes: FirstBytesRule
}

/**
 * Set-up, [MS-TSGU] 1.3.2.1.2: handshake, tunnel, authorization, channel; the client asks, we answer.
 * A refusal is answered in the response that was due, and then nothing more is read.
 *
 * @throws Refusal or ProtocolError, after the client has its answer
 */
export async function setUp(tunnel: Tunnel): Promise<OpenChannel> {
  const { node, transport } = tunnel
  const { tunnelTimeoutMs, channelTimeoutMs } = node.limits
  const conversation = new Conversation(transport, node.observer.stepDone)
  try {
    conversation.within(tunnelTimeoutMs, 'tunnel')
    const handshake = await conversation.receive(PacketType.handshakeRequest)
    checkHandshake(tunnel, decodeHandshakeRequest(handshake))
    conversation.answer(
      'handshake',
      encodeHandshakeResponse({
        errorCode: Status.ok,
        verMajor: 1,
        verMinor: 0,
        serverVersion: 0,
        extendedAuth: ExtendedAuth.paa,
      }),
    )

    const request = await conversation.receive(PacketType.tunnelCreate)
    const admitted = await admit(tunnel, request)
    const { claims, capsFlags, consentText, sessionAgeSeconds } = admitted
    tunnel.onCreated(admitted)
    conversation.answer(
      'tunnel',
      encodeTunnelResponse({
        serverVersion: 0,
        statusCode: Status.ok,
        tunnelId: randomInt(1, 2 ** 32),
        capsFlags: capsFlags & CAPABILITIES,
        ...(consentText === undefined ? {} : { consentMsg: consentText }),
      }),
    )

    conversation.within(channelTimeoutMs, 'channel')
    // The name in it is the client's own word for itself: nothing is decided by it.
    decodeTunnelAuth(await conversation.receive(PacketType.tunnelAuth))
    conversation.answer(
      'authorization',
      encodeTunnelAuthResponse({
        errorCode: Status.ok,
        redirFlags: claims.rdr ?? 0,
        idleTimeoutMinutes: claims.idl ?? 0,
      }),
    )

    const channel = await conversation.receive(PacketType.channelCreate)
    const { host, firstBytes } = await openChannel(tunnel, claims, channel)
    conversation.expectSilence()
    conversation.answer(
      'channel',
      encodeChannelResponse({ errorCode: Status.ok, channelId: CHANNEL_ID }),
    )
    return { host, firstBytes, claims, capsFlags, sessionAgeSeconds }
  } catch (error) {
    conversation.refuse(error)
    throw error
  } finally {
    conversation.stop()
  }
}

/** Version 1.0, or the 0.0 of some test clients; a method of authentication that we have. */
function checkHandshake(tunnel: Tunnel, { verMajor, extendedAuth }: HandshakeRequest): void {
  if (verMajor > 1) {
    const message = `${verMajor}, need at most 1`
    throw new ProtocolError('ERR_PACKET_MALFORMED', 'HANDSHAKE_REQUEST', 'verMajor', message)
  }
  if ((extendedAuth & ExtendedAuth.paa) !== 0) return
  const refusal = new Refusal('token-malformed', `extendedAuth: ${extendedAuth} brings no token`)
  const { reason, message: error } = refusal
  tunnel.log[tunnel.node.strangerLevel()]('token.refused', { reason, error, ref: tunnel.ref })
  throw refusal
}

async function openChannel(
  tunnel: Tunnel,
  claims: Admitted['claims'],
  body: Uint8Array,
): Promise<Pick<OpenChannel, 'host' | 'firstBytes'>> {
  const { node, lab, transport, log } = tunnel
  try {
    const { resources, altResources, port, protocol } = decodeChannelCreate(body)
    if (protocol !== CHANNEL_PROTOCOL) {
      throw new Refusal('target-mismatch', `protocol: ${protocol}, need ${CHANNEL_PROTOCOL}`)
    }
    const names = [...resources, ...altResources]
    const target = matchTarget(claims.dst, { names, port })
    lab?.checkTarget(target, claims)
    const firstBytes = firstBytesRule(claims)
    log.debug('channel.authorized', { target: claims.dst })
    const host = await dialHost(target, {
      ...agentCall(tunnel, claims, target),
      policy: (lab ?? node).targets,
      buffers: node.readBuffers,
      timeoutMs: node.limits.dialTimeoutMs,
      maxAttempts: node.limits.maxDialAttempts,
      signal: transport.inbox.ended,
    })
    tunnel.host = host
    log.info('channel.opened', { address: host.target.address, port: host.target.port })
    return { host, firstBytes }
  } catch (error) {
    const fields = { reason: reasonOf(error), error: errorText(error), ref: tunnel.ref }
    if (!transport.inbox.ended.aborted) log.warn('channel.refused', fields)
    throw error
  }
}

/** How to dial follows from the kind in the token and the node's configuration, from nothing else. */
function agentCall(
  { node, client }: Tunnel,
  { knd }: Admitted['claims'],
  { host }: Endpoint,
): Pick<DialOptions, 'agent'> {
  if (knd !== 'agent') return {}
  if (node.agents === undefined) {
    throw new Refusal('policy-denied', 'knd: this node is not set up to dial host agents')
  }
  return { agent: { security: node.agents, host, clientAddress: client.remoteAddress } }
}
