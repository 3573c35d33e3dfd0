import { BrokerError, ProtocolError, type Reason, Refusal } from '../lib/index.ts'
import { Capability, PacketType, Status } from '../protocol/index.ts'

/** The one table from reason to what the peer learns: the class the protocol has for it, never more. */
const STATUS_OF_REASON: Record<Reason, number> = {
  'token-malformed': Status.cookieAccessDenied,
  'token-expired': Status.cookieAccessDenied,
  'token-not-yet-valid': Status.cookieAccessDenied,
  'issuer-unknown': Status.cookieAccessDenied,
  'issuer-outside-window': Status.cookieAccessDenied,
  'algorithm-refused': Status.cookieAccessDenied,
  'signature-invalid': Status.cookieAccessDenied,
  'audience-mismatch': Status.cookieAccessDenied,
  'client-mismatch': Status.cookieAccessDenied,
  'token-replayed': Status.cookieAccessDenied,
  'token-revoked': Status.cookieAccessDenied,
  'trust-stale': Status.cookieAccessDenied,
  'broker-unreachable': Status.cookieAccessDenied,
  'limit-reached': Status.maxConnectionsReached,
  'node-draining': Status.maxConnectionsReached,
  'target-mismatch': Status.resourceAccessDenied,
  'target-not-allowed': Status.resourceAccessDenied,
  'host-not-opted-in': Status.resourceAccessDenied,
  'policy-denied': Status.resourceAccessDenied,
  'vm-unknown': Status.resourceAccessDenied,
  'host-unreachable': Status.hostConnectFailed,
  'host-not-rdp': Status.hostConnectFailed,
  'host-tls-mismatch': Status.hostConnectFailed,
  killed: Status.connectionAborted,
  superseded: Status.connectionAborted,
  drained: Status.connectionAborted,
  'node-stopped': Status.connectionAborted,
  'idle-limit': Status.sessionTimeout,
  'session-limit': Status.sessionTimeout,
  'vm-mismatch': Status.internalError,
  'host-refused': Status.internalError,
  'origin-refused': Status.internalError,
  'protocol-error': Status.internalError,
  'set-up-timeout': Status.internalError,
  'slow-peer': Status.internalError,
  'node-lost': Status.internalError,
  'client-closed': Status.internalError,
  'host-closed': Status.internalError,
  'internal-error': Status.internalError,
}

export function statusOf(reason: Reason): number {
  return STATUS_OF_REASON[reason]
}

/**
 * The code in CLOSE_CHANNEL. A client that knows no time limits hears that the operator has ended its
 * session, [MS-TSGU] 3.3.6.1.
 *
 * @param capsFlags flags of `Capability` that the client offered
 */
export function closeStatusOf(reason: Reason, capsFlags: number): number {
  const status = afterAdmission(STATUS_OF_REASON[reason])
  const knowsLimits = (capsFlags & Capability.idleTimeout) !== 0
  return status === Status.sessionTimeout && !knowsLimits ? Status.connectionAborted : status
}

/** The token was good: what is wrong with it now has ended the tunnel from outside. */
function afterAdmission(status: number): number {
  return status === Status.cookieAccessDenied ? Status.connectionAborted : status
}

/** The public word for whatever ended a tunnel. */
export function reasonOf(error: unknown): Reason {
  if (error instanceof Refusal) return error.reason
  if (error instanceof ProtocolError) return 'protocol-error'
  if (!(error instanceof BrokerError)) return 'internal-error'
  if (error.code === 'ERR_DEADLINE') return 'set-up-timeout'
  return error.code === 'ERR_CLOSED' ? 'client-closed' : 'internal-error'
}

/** The code for an error that ends set-up, by the request it is the answer to. */
export function statusAt(request: PacketType, error: unknown): number {
  const reason = reasonOf(error)
  if (request === PacketType.handshakeRequest && reason === 'token-malformed') {
    return Status.unsupportedAuthentication
  }
  if (request === PacketType.tunnelCreate && isMalformed(error)) return Status.cookieBadPacket
  if (request === PacketType.tunnelCreate && ENDS_OF_TOKENS.has(reason)) {
    return Status.cookieAccessDenied
  }
  const status = statusOf(reason)
  const isAdmitted = request === PacketType.tunnelAuth || request === PacketType.channelCreate
  return isAdmitted ? afterAdmission(status) : status
}

/**
 * What ends a session and makes its token worthless. Whoever presents such a token hears what every bad token
 * gets, and not that it was good once; only the session that ends hears why.
 */
const ENDS_OF_TOKENS: ReadonlySet<Reason> = new Set([
  'killed',
  'superseded',
  'idle-limit',
  'session-limit',
])

/** Bytes that break the packet itself, as against a packet whose turn it is not. */
function isMalformed(error: unknown): boolean {
  return error instanceof ProtocolError && error.code !== 'ERR_PACKET_UNEXPECTED'
}
