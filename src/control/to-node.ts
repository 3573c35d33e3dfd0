import { z } from 'zod'
import { isUserText } from '../lib/index.ts'
import { REVOCATION_KINDS, type Revocation } from '../tokens/index.ts'
import {
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

// What a broker says.

/** A whole trust set of 64 issuers with RSA certificates stays below 1 MiB; 20,000 revocations take about 5. */
export const MAX_BYTES_TO_NODE = 8 * 1024 * 1024
export const MAX_ISSUERS = 64
export const MAX_REVOCATIONS = 20_000
/** Hosts in one order to probe; a broker with more sends several. */
export const MAX_PROBED_HOSTS = 256
/** Characters of a drain's message; the count-down behind it takes another 100. */
export const MAX_DRAIN_MESSAGE = 500

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
export type ToNodeMessage = z.infer<typeof toNodeMessage>
type RedeemAnswerMessage = z.infer<typeof redeemAnswer>
/** What a broker says beside yes. */
export type RedeemGrant = Omit<
  Extract<RedeemAnswerMessage, { ok: true }>,
  'type' | 'request' | 'ok'
>
export type RedeemAnswer =
  | ({ ok: true } & RedeemGrant)
  | Omit<Extract<RedeemAnswerMessage, { ok: false }>, 'type' | 'request'>
export type DrainOrder = z.infer<typeof drainOrder>
export type TrustMessage = z.infer<typeof trust>
export type RevocationMessage = z.infer<typeof revocations>
export type KillMessage = z.infer<typeof kill>
export type UserMessage = z.infer<typeof message>
export type ProbeMessage = z.infer<typeof probe>
export type ProbedHost = z.infer<typeof probedHost>
