import type { Reason } from '../lib/index.ts'
import type { Heartbeat, ProbeResult, RedeemRequest, SessionEvent } from './to-broker.ts'
import type {
  DrainOrder,
  KillMessage,
  ProbeMessage,
  RedeemAnswer,
  RevocationMessage,
  RevocationSet,
  TrustMessage,
  TrustSet,
  UserMessage,
} from './to-node.ts'

/**
 * Who is at the other end, as its certificate says (SAN URI `urn:portcullis:control:<role>:<name>`, signed
 * by the control CA). INVARIANT: it never comes from a message.
 */
export interface Peer {
  name: string
  role: 'node' | 'agent' | 'broker'
}

/**
 * What a broker pushes as soon as it changes, to every verifier unless it is addressed; probes to nodes alone,
 * since agents dial no hosts.
 */
export type PushMessage =
  | TrustMessage
  | RevocationMessage
  | KillMessage
  | UserMessage
  | ProbeMessage

/** No message: the node of this name is told what is current, before its next heartbeat. */
export interface Refresh {
  type: 'refresh'
  node: string
}

/** For one peer alone: a tunnel is named by who holds it, and means nothing elsewhere, or another one. */
export interface Addressed {
  type: 'addressed'
  to: Peer
  message: PushMessage
}

export type Push = PushMessage | Addressed | Refresh

/** What a connection told of a peer when it began. */
export interface JoinedPeer {
  /** Where it dials from. */
  address: string
  software: string
  /** Version of the messages that both ends speak. */
  protocol: number
  /** End of its control certificate, in ms since 1970. */
  certificateNotAfterMs: number
}

/**
 * The broker behind the control channel. The channel calls it for what peers say; it never sees a socket.
 * A method that rejects costs the peer nothing but that one answer.
 */
export interface ControlService {
  /** The broker's name, for the welcome. */
  readonly name: string
  trustSet(): Promise<TrustSet>
  /** The whole set; a connecting peer gets it. */
  revocations(): Promise<RevocationSet>
  /** What is current, cheaply: asked at every heartbeat. */
  versions(): Promise<{ trust: number; revocations: number }>
  /** What the node is to do about its tunnels; undefined while it is in service. Asked at every heartbeat. */
  drain(peer: Peer): Promise<DrainOrder | undefined>
  /** It has said hello. */
  joined(peer: Peer, about: JoinedPeer): Promise<void>
  /**
   * Verifies the full token again and redeems it, atomically. The same (token, node, tunnel) is the same
   * redeem. With `decidedAt` the node has admitted the client already, at that time: the token is verified
   * as of then, a refusal tells the node to end its session, and when another session is the younger one, that
   * one is killed instead.
   */
  redeem(peer: Peer, request: RedeemRequest): Promise<RedeemAnswer>
  /** @param reason why the tunnel ended; a kill, a limit and a revocation burn its token */
  release(peer: Peer, tunnel: string, reason: Reason | undefined): Promise<void>
  /** Renews the leases of the tunnels it lists. */
  heartbeat(peer: Peer, beat: Heartbeat): Promise<void>
  applied(peer: Peer, what: 'trust' | 'revocations', version: number): Promise<void>
  event(peer: Peer, event: SessionEvent): Promise<void>
  /** How it found a host that it was told to probe. */
  probed(peer: Peer, result: ProbeResult): Promise<void>
  /** The connection has ended, for whatever reason. */
  left(peer: Peer): Promise<void>
  /** @returns how to unsubscribe */
  subscribe(listener: (push: Push) => void): () => void
}
