import { z } from 'zod'
import { Secret } from '../lib/index.ts'
import {
  count,
  identifier,
  port,
  reason,
  reference,
  request,
  text,
  thumbprint,
  time,
  tunnel,
  version,
} from './fields.ts'

// What a node or an agent says.

/** The longest a node sends is a heartbeat with {@link MAX_USAGES} tunnels and what they use, about 220 KiB. */
export const MAX_BYTES_TO_BROKER = 256 * 1024
export const MAX_TUNNELS = 4_096
export const MAX_USAGES = 1_024

/** Data of a session event; the names are those of the log (`code-style.md`, Logging). */
const sessionFields = z.object({
  tunnel: tunnel.exactOptional(),
  jti: identifier.exactOptional(),
  /** In place of `jti`: what a token that was not verified calls itself. */
  claimedJti: identifier.exactOptional(),
  /** What support knows a refusal by. */
  ref: reference.exactOptional(),
  tenant: identifier.exactOptional(),
  user: identifier.exactOptional(),
  vm: identifier.exactOptional(),
  host: text.exactOptional(),
  issuer: thumbprint.exactOptional(),
  remoteAddress: text.exactOptional(),
  connectionId: text.exactOptional(),
  correlationId: text.exactOptional(),
  transport: text.exactOptional(),
  takesMessages: z.boolean().exactOptional(),
  consentAsked: z.boolean().exactOptional(),
  reason: reason.exactOptional(),
  /** Detail for people; it is the node's text, never the client's. */
  error: z.string().max(1024).exactOptional(),
  bytesIn: count.exactOptional(),
  bytesOut: count.exactOptional(),
  durationMs: count.exactOptional(),
})

export const SESSION_EVENTS = [
  'token.refused',
  'token.redeemed',
  'redeem.conflict',
  'tunnel.created',
  'channel.opened',
  'channel.refused',
  'session.closed',
  'session.killed',
  /** Of host agents. */
  'host.refused',
] as const

const hello = z.object({
  type: z.literal('hello'),
  protocols: z.array(version).min(1).max(16),
  /** Version of the node's software, for people. */
  software: text,
})

const trustApplied = z.object({ type: z.literal('trust.applied'), version })
const revocationsApplied = z.object({ type: z.literal('revocations.applied'), version })

const redeem = z.object({
  type: z.literal('redeem'),
  request,
  token: z
    .string()
    .min(1)
    .max(4096)
    .transform((value) => new Secret(value)),
  clientAddress: z.string().min(1).max(64),
  tunnel,
  /** The node decided by itself at this time, since no broker answered; now it is to be reconciled. */
  decidedAt: time.exactOptional(),
})

/** The tunnel has ended, and with it its hold on its token; a kill, a limit and a revocation burn the token. */
const release = z.object({ type: z.literal('release'), tunnel, reason: reason.exactOptional() })

/** `degraded`: balancers should not send anybody; `reason` says why it takes nobody, absent when its clock is off. */
export const NODE_STATES = ['ready', 'degraded', 'draining'] as const
export type NodeState = (typeof NODE_STATES)[number]

const nodeStatus = z.object({
  state: z.enum(NODE_STATES),
  reason: reason.exactOptional(),
  /** All of them, also of a node whose heartbeat comes in several messages. */
  tunnels: count,
})

const tunnelUsage = z.object({
  tunnel,
  transport: z.enum(['websocket', 'http']),
  /** The client has announced that it shows messages. */
  takesMessages: z.boolean(),
  /** Since the client's last input, as fine as heartbeats are frequent. */
  idleSeconds: count,
  bytesIn: count,
  bytesOut: count,
})

const heartbeat = z.object({
  type: z.literal('heartbeat'),
  /** The node's clock. */
  time,
  /** What the node has applied; 0 for none. */
  trustVersion: version,
  revocationVersion: version,
  /** Tunnels whose leases it renews. A node with more sends several: absence says nothing. */
  tunnels: z.array(tunnel).max(MAX_TUNNELS),
  /** What they have used; a node that doesn't know the field names its tunnels alone. */
  usage: z.array(tunnelUsage).max(MAX_USAGES).exactOptional(),
  /** How it stands; absent from a node that knows no drain, and from agents. */
  status: nodeStatus.exactOptional(),
})

/** What happened to a client or a session, for the grant's timeline. */
export const sessionEvent = z.object({
  type: z.literal('event'),
  event: z.enum(SESSION_EVENTS),
  time,
  fields: sessionFields,
})

/** What a probe can find; that a host is not opted in is for the broker to know. */
export const PROBED_STATES = [
  'ready',
  'unreachable',
  'wrong-port',
  'not-rdp',
  'tls-mismatch',
] as const
export type ProbedState = (typeof PROBED_STATES)[number]

/** What a host says of itself, as text that can be shown: the node has replaced all else. */
const shown = z.string().regex(/^\P{C}{1,256}$/u, 'need 1 to 256 printable characters')

/** The certificate that the host showed; nobody has verified it. */
const hostCertificate = z.object({
  /** `TLSv1.2`, `TLSv1.3`. */
  protocol: shown,
  subject: shown.exactOptional(),
  issuer: shown.exactOptional(),
  notAfter: time,
  sha256Thumbprint: thumbprint,
  /** It is for the address that the host is known by. */
  namesHost: z.boolean(),
})

/** How one node found one host. */
export const probeResult = z.object({
  type: z.literal('probe.result'),
  /** The host's id, and what was asked for, since its record may be another one by now. */
  host: identifier,
  address: text,
  port,
  time,
  /** It was asked for so. */
  urgent: z.boolean().exactOptional(),
  state: z.enum(PROBED_STATES),
  /** Absent when it is ready. */
  reason: reason.exactOptional(),
  /** What was seen, for people. */
  detail: shown.exactOptional(),
  /** A port close by that does answer as the host should. */
  answersOn: port.exactOptional(),
  /** The literal address that was dialled. */
  dialled: shown.exactOptional(),
  connectMs: count.exactOptional(),
  /** From TCP to the answer. */
  answerMs: count.exactOptional(),
  /** What the host chose for its sessions: `tls`, `credssp`, … */
  security: shown.exactOptional(),
  certificate: hostCertificate.exactOptional(),
  /** Names that the dialled address has in reverse look-up, and whether the host is known by one of them. */
  names: z.object({ reverse: z.array(shown).max(8), match: z.boolean() }).exactOptional(),
})

/** What a node or an agent may say. */
export const toBrokerMessage = z.discriminatedUnion('type', [
  hello,
  trustApplied,
  revocationsApplied,
  redeem,
  release,
  heartbeat,
  sessionEvent,
  probeResult,
])

export type ToBrokerMessage = z.infer<typeof toBrokerMessage>
export type RedeemRequest = Omit<z.infer<typeof redeem>, 'type' | 'request'>
export type NodeStatus = z.infer<typeof nodeStatus>
export type TunnelUsage = z.infer<typeof tunnelUsage>
/** A lease that is held; an agent knows nothing more of it. */
export type LiveTunnel = TunnelUsage | { tunnel: string; transport?: never }
export type Heartbeat = Omit<z.infer<typeof heartbeat>, 'type'>
export type SessionEvent = Omit<z.infer<typeof sessionEvent>, 'type'>
export type ProbeResult = Omit<z.infer<typeof probeResult>, 'type'>
export type HostCertificate = z.infer<typeof hostCertificate>

/** A result that was kept as JSON; undefined when it is none, for example of an older form. */
export function parseProbeResult(text: string): ProbeResult | undefined {
  try {
    return probeResult.omit({ type: true }).parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
