import { z } from 'zod'
import { isUserText, REASONS, type Reason, Secret } from '../lib/index.ts'
import { REVOCATION_KINDS, type Revocation } from '../tokens/index.ts'

/** Versions of these messages that this code speaks; hello offers them, welcome picks the highest common one. */
export const PROTOCOL_VERSIONS: readonly number[] = [1, 2, 3]
/** From which version on a node knows a message that an older one takes for a broken stream: it is not sent to that one. */
export const SINCE_VERSION: ReadonlyMap<string, number> = new Map([
  ['message', 2],
  ['probe', 3],
])

/** A whole trust set of 64 issuers with RSA certificates stays below 1 MiB; 20,000 revocations take about 5. */
export const MAX_BYTES_TO_NODE = 8 * 1024 * 1024
/** The longest a node sends is a heartbeat with {@link MAX_USAGES} tunnels and what they use, about 220 KiB. */
export const MAX_BYTES_TO_BROKER = 256 * 1024
export const MAX_ISSUERS = 64
export const MAX_REVOCATIONS = 20_000
export const MAX_TUNNELS = 4_096
export const MAX_USAGES = 1_024
/** Hosts in one order to probe; a broker with more sends several. */
export const MAX_PROBED_HOSTS = 256
/** Characters of a drain's message; the count-down behind it takes another 100. */
export const MAX_DRAIN_MESSAGE = 500

// Unknown fields are dropped, since a newer peer may send more of them; unknown types and values are errors.

/** Milliseconds since the Unix epoch, UTC. */
const time = z.int().min(0).max(8.64e15)
const version = z.int().min(0)
const identifier = z.string().regex(/^[^\p{C}]{1,128}$/u, 'need 1 to 128 printable characters')
/** Names a tunnel on its node. */
const tunnel = z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'need 1 to 64 letters, digits and dashes')
/** Pairs an answer with its request, within one connection. */
const request = z.int().min(1)
const port = z.int().min(1).max(65_535)
const thumbprint = z.string().regex(/^[0-9A-F]{64}$/, 'need 64 upper-case hex digits')
const reason = z.enum(REASONS)
const reference = z.string().regex(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/, 'need a reference')

const trustedIssuer = z.object({
  certificatePem: z.string().max(16_384),
  sha256Thumbprint: thumbprint,
  purpose: z.enum(['gateway', 'host']),
  notBefore: time.exactOptional(),
  notAfter: time.exactOptional(),
})

/** The issuers that every verifier trusts (DESIGN 4.2). */
export const trustSet = z.object({
  /** Never goes down. */
  version,
  /** When the broker knew this to be the current set. */
  asOf: time,
  issuers: z.array(trustedIssuer).max(MAX_ISSUERS),
})

const revocation: z.ZodType<Revocation> = z.object({
  id: identifier,
  kind: z.enum(REVOCATION_KINDS),
  value: z.string().max(128),
  at: time,
  until: time,
  endSessions: z.boolean(),
})

export const revocationSet = z.object({
  /** Never goes down. */
  version,
  items: z.array(revocation).max(MAX_REVOCATIONS),
})

const text = z.string().max(256)
const count = z.int().min(0)

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

const welcome = z.object({
  type: z.literal('welcome'),
  protocol: version,
  /** The broker's name. */
  broker: identifier,
  /** The broker's clock. */
  time,
})

const trust = z.object({ type: z.literal('trust'), ...trustSet.shape })

const revocations = z.object({
  type: z.literal('revocations'),
  ...revocationSet.shape,
  /** These come on top of that version; absent: they are the whole set. */
  after: version.exactOptional(),
})

const redeemAnswer = z.discriminatedUnion('ok', [
  z.object({
    type: z.literal('redeem.answer'),
    request,
    ok: z.literal(true),
    /** What the user has to agree to; a node that doesn't know the field shows its own text, or none. */
    consentText: z.string().refine(isUserText, 'need a consent text').exactOptional(),
    /** To an agent, for the console: what support knows the grant by. */
    ref: reference.exactOptional(),
    /** How long ago its session began, for a token with a session limit; absent: now. */
    sessionAgeSeconds: z.number().nonnegative().exactOptional(),
  }),
  z.object({ type: z.literal('redeem.answer'), request, ok: z.literal(false), reason }),
])

/** Take no new tunnels, and end what is left at the deadline. */
export const drainOrder = z.object({
  /** On the broker's clock; its distance to the `time` beside it is what counts. */
  deadline: time,
  /** For the users; the node adds how long they have. */
  message: z
    .string()
    .max(MAX_DRAIN_MESSAGE)
    .refine(isUserText, 'need a text to show')
    .exactOptional(),
})

/**
 * What is current at the broker: a node that has applied it knows that it is not stale. It also comes
 * unasked when the drain has changed. As it always says all of it, nothing is lost over a restart of either side.
 */
const heartbeatAnswer = z.object({
  type: z.literal('heartbeat.answer'),
  time,
  trustVersion: version,
  revocationVersion: version,
  /** Absent: the node is in service. */
  drain: drainOrder.exactOptional(),
})

/** Which of the live sessions are meant. */
const by = z.union([
  z.strictObject({ jti: identifier }),
  z.strictObject({ vm: identifier }),
  z.strictObject({ tenant: identifier }),
  z.strictObject({ user: identifier }),
  z.strictObject({ tunnel }),
])

/** Ends the live sessions of whatever it names. */
const kill = z.object({ type: z.literal('kill'), by, reason })

/** Shows a text to the users of whatever it names, as far as their clients take one. */
const message = z.object({
  type: z.literal('message'),
  by,
  text: z.string().refine(isUserText, 'need a text to show'),
})

const probedHost = z.object({
  id: identifier,
  kind: z.enum(['rdp', 'hyperv', 'agent', 'vnc']),
  address: text.min(1),
  port,
  /** A VM of it, for hosts that want to be told one before they answer. */
  guid: z
    .string()
    .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    .exactOptional(),
  /** SHA-256 thumbprint that its certificate has to have. */
  pin: thumbprint.exactOptional(),
})

/** Look at these hosts and tell what you find, one result for each. */
const probe = z.object({
  type: z.literal('probe'),
  hosts: z.array(probedHost).min(1).max(MAX_PROBED_HOSTS),
  /** Somebody is waiting: before all others. */
  urgent: z.boolean().exactOptional(),
})

/** What a broker may say. */
export const toNodeMessage = z.discriminatedUnion('type', [
  welcome,
  trust,
  revocations,
  redeemAnswer,
  heartbeatAnswer,
  kill,
  message,
  probe,
])

export type TrustSet = z.infer<typeof trustSet>
export type TrustSetIssuer = z.infer<typeof trustedIssuer>
export type RevocationSet = z.infer<typeof revocationSet>
export type ToBrokerMessage = z.infer<typeof toBrokerMessage>
export type ToNodeMessage = z.infer<typeof toNodeMessage>
export type RedeemRequest = Omit<z.infer<typeof redeem>, 'type' | 'request'>
/** What a broker says beside yes. */
export interface RedeemGrant {
  consentText?: string
  ref?: string
  sessionAgeSeconds?: number
}
export type RedeemAnswer = ({ ok: true } & RedeemGrant) | { ok: false; reason: Reason }
export type NodeStatus = z.infer<typeof nodeStatus>
export type DrainOrder = z.infer<typeof drainOrder>
export type TunnelUsage = z.infer<typeof tunnelUsage>
/** A lease that is held; an agent knows nothing more of it. */
export type LiveTunnel = TunnelUsage | { tunnel: string; transport?: never }
export type Heartbeat = Omit<z.infer<typeof heartbeat>, 'type'>
export type SessionEvent = Omit<z.infer<typeof sessionEvent>, 'type'>
export type TrustMessage = z.infer<typeof trust>
export type RevocationMessage = z.infer<typeof revocations>
export type KillMessage = z.infer<typeof kill>
export type UserMessage = z.infer<typeof message>
export type ProbeMessage = z.infer<typeof probe>
export type ProbedHost = z.infer<typeof probedHost>
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
