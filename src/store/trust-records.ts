import type { HostKind } from './records.ts'

/**
 * What the store keeps of issued tokens' use and of trust. Times are milliseconds since the Unix epoch;
 * reasons are the words of `lib/reasons.ts`.
 */

/** A token that was redeemed: who holds it, and what it may still do. */
export interface Redeem {
  /** Issuer certificate and `jti`, or for tokens without one a digest; never the token's text. */
  key: string
  /** Absent for tokens that have none. */
  jti?: string
  issuerThumbprint: string
  tenant?: string
  user?: string
  vm?: string
  hostKind?: HostKind
  /** `host:port` as the token names it. */
  host?: string
  /** `iat`, or when it was redeemed first where the token has none. */
  issuedAtMs: number
  expiresAtMs: number
  /** Reconnect window; 0 for none. */
  reconnectMs: number
  /** Who the token is bound to; same text, same client. */
  client: string
  firstRedeemMs: number
  /** Why it admits nobody any more. */
  burned?: string
  /** A newer console of the same VM has ended its reconnect window. */
  superseded: boolean
  /** From here on it may be forgotten, unless a session is open or may come back. */
  forgetAtMs: number
}

/** A tunnel's hold on its token: one console session of one client, as one node sees it. */
export interface Lease {
  /** Names the session outside. */
  id: string
  key: string
  node: string
  /** Unique on its node. */
  tunnel: string
  clientAddress: string
  openedAtMs: number
  /** The last heartbeat that named it. */
  seenAtMs: number
  endedAtMs?: number
  endReason?: string
  /** As in the log; this and what follows is absent until its node has told. */
  transport?: string
  /** The client has announced that it shows messages. */
  takesMessages?: boolean
  /** Since the client's last input, at `seenAtMs`. */
  idleSeconds?: number
  bytesIn?: number
  bytesOut?: number
}

/** What a node tells of a live tunnel at every heartbeat. */
export type LeaseUsage = Pick<Lease, 'tunnel'> &
  Required<Pick<Lease, 'transport' | 'takesMessages' | 'idleSeconds' | 'bytesIn' | 'bytesOut'>>

/** A lease with its token's subject. */
export interface ConsoleSession extends Lease {
  jti?: string
  /** Of the console that this broker minted; absent for tokens of others. */
  ref?: string
  tenant?: string
  user?: string
  vm?: string
  host?: string
}

export const REVOCATION_KINDS = ['jti', 'vm', 'tenant', 'user', 'issuer', 'before'] as const

export interface StoredRevocation {
  id: string
  kind: (typeof REVOCATION_KINDS)[number]
  /** Empty for `before`. */
  value: string
  atMs: number
  untilMs: number
  endSessions: boolean
  /** Why, for people. */
  note?: string
  /** Which key revoked. */
  askedBy: string
}

export const ISSUER_USES = ['primary', 'next', 'retiring', 'trusted'] as const

/** One issuer in the trust set, for one purpose. */
export interface TrustedCertificate {
  /** SHA-256 of the certificate, upper-case hex. */
  thumbprint: string
  purpose: 'gateway' | 'host'
  certificatePem: string
  /** `primary` signs now, `next` is to sign soon, `retiring` has signed; `trusted` is somebody else's. */
  use: (typeof ISSUER_USES)[number]
  /** The broker that signs with it; absent for `trusted`. */
  broker?: string
  notBeforeMs?: number
  notAfterMs?: number
  addedAtMs: number
  /** Version of the trust set that published it first. */
  publishedVersion: number
  /** Names in the broker's key directory, where the key came with a rotation. */
  certificateFile?: string
  privateKeyFile?: string
}

export interface StoredTrustSet {
  /** Grows with every change; 0 before the first. */
  version: number
  /** In the order of thumbprints. */
  issuers: TrustedCertificate[]
}

export const VERIFIER_ROLES = ['node', 'agent', 'external'] as const

/** Who verifies tokens, and what it has confirmed. */
export interface Verifier {
  name: string
  /** `external` ones speak no control channel: an operator confirms for them. */
  role: (typeof VERIFIER_ROLES)[number]
  /** 0 before the first. */
  trustVersion: number
  revocationVersion: number
  lastSeenMs: number
}

/** An order to a node to go out of service; it stands until somebody cancels it. */
export interface NodeDrain {
  askedAtMs: number
  /** Sessions that are still open then are ended. */
  deadlineMs: number
  /** For the users. */
  message?: string
  /** Which key asked. */
  askedBy: string
}

/** A gateway node, as its control channel shows it; what it has not told is absent. */
export interface GatewayNode {
  name: string
  /** Where it dials from. */
  address?: string
  software?: string
  /** End of its control certificate. */
  certificateNotAfterMs?: number
  /** How it says it stands itself. */
  state?: 'ready' | 'degraded' | 'draining'
  /** Why it takes nobody. */
  reason?: string
  tunnels?: number
  /** Its clock minus the broker's. */
  clockOffsetMs?: number
  /** Its connection ended then, and it has not been back. */
  leftAtMs?: number
  drain?: NodeDrain
  /** 0 before the first. */
  trustVersion: number
  revocationVersion: number
  lastSeenMs: number
}

/** What a connection tells of a node; null for what holds no longer. */
export type NodeFacts = Pick<GatewayNode, 'name'> & {
  [Name in
    | 'address'
    | 'software'
    | 'certificateNotAfterMs'
    | 'state'
    | 'reason'
    | 'tunnels'
    | 'clockOffsetMs'
    | 'leftAtMs']?: NonNullable<GatewayNode[Name]> | null
}
