/**
 * The control channel between brokers and the nodes and agents that verify tokens: JSON messages over
 * WebSocket over mutual TLS, dialled by the node. Trust, revocations and kill go down, redeems, heartbeats
 * and session events go up. Who a peer is comes from its certificate alone; this room decides nothing about
 * tokens and opens no store. Start with `to-broker.ts` and `to-node.ts`, the messages, then `service.ts`, which
 * the broker implements.
 */
export { BrokerLedger, type BrokerLedgerOptions } from './broker-ledger.ts'
export {
  type ControlClient,
  type ControlClientOptions,
  type ControlHandlers,
  createControlClient,
  type Versions,
} from './client.ts'
export type { ControlCertificate } from './end-options.ts'
export { type ControlLimits, DEFAULT_CONTROL_LIMITS } from './limits.ts'
export type { PeerState } from './peer-connection.ts'
export { parseRemembered, type RememberedTrust, renderRemembered } from './remembered.ts'
export { type ControlServer, type ControlServerOptions, createControlServer } from './server.ts'
export type {
  Addressed,
  ControlService,
  JoinedPeer,
  Peer,
  Push,
  PushMessage,
  Refresh,
} from './service.ts'
export { isNamed, SessionRegistry, type VerifierSession } from './session-registry.ts'
export {
  type Heartbeat,
  type HostCertificate,
  type LiveTunnel,
  MAX_TUNNELS,
  MAX_USAGES,
  NODE_STATES,
  type NodeState,
  type NodeStatus,
  PROBED_STATES,
  type ProbedState,
  type ProbeResult,
  parseProbeResult,
  type RedeemRequest,
  SESSION_EVENTS,
  type SessionEvent,
  sessionEvent,
  type TunnelUsage,
} from './to-broker.ts'
export {
  type DrainOrder,
  drainOrder,
  type KillMessage,
  MAX_BYTES_TO_NODE,
  MAX_DRAIN_MESSAGE,
  MAX_ISSUERS,
  MAX_PROBED_HOSTS,
  MAX_REVOCATIONS,
  type ProbedHost,
  type ProbeMessage,
  type RedeemAnswer,
  type RedeemGrant,
  type RevocationMessage,
  type RevocationSet,
  revocationSet,
  type TrustMessage,
  type TrustSet,
  type TrustSetIssuer,
  trustSet,
  type UserMessage,
} from './to-node.ts'
export { VerifierControl, type VerifierControlParts } from './verifier-control.ts'
export type { VerifierLease, VerifierLedger, VerifierRedeem } from './verifier-ledger.ts'
export type { VerifierControlOptions } from './verifier-options.ts'
export {
  FixedTrust,
  LiveTrust,
  type LiveTrustOptions,
  type VerifierTrust,
} from './verifier-trust.ts'
export { PROTOCOL_VERSIONS } from './versions.ts'
