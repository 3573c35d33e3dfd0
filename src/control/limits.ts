/** Every cap and every timeout of the channel, with its unit and its reason. */
export interface ControlLimits {
  /** Between two heartbeats of a node. */
  heartbeatMs: number
  /** Without a word from the peer for this long, the connection counts as dead: three heartbeats. */
  silenceMs: number
  /** TCP accept to TLS established, and again to the end of the request head. */
  handshakeMs: number
  /** From the WebSocket to hello at the broker; from dialling to welcome at the node. */
  welcomeMs: number
  /** A node waits this long for a redeem; then it decides as configured (DESIGN 4.4). */
  redeemMs: number
  /** For the closing handshake; then the socket is destroyed. */
  closeMs: number
  /** First pause before dialling again; doubled each time up to the longest. */
  redialMs: number
  maxRedialMs: number
  /**
   * Connections at the broker in any state: nodes, agents, and some that are about to be replaced. Past it the oldest
   * makes room that has not asked for the channel yet.
   */
  maxConnections: number
  /** Messages of one peer in work at the broker; then its socket is paused until some are done. */
  maxInFlight: number
  /**
   * Work, as `work.ts` counts it, that a peer may ask of the broker at once, and in each second after that; then its socket is
   * paused until it has earned what it asked for. At once: a node that comes back tells 10,000 events, 10,000 tunnels and
   * some redeems. In a second: 500 set-ups of seven messages, and those tunnels in each heartbeat.
   */
  workBurst: number
  workPerSecond: number
  /** Bytes waiting for a peer that takes none; then the connection ends. Above one whole revocation set. */
  maxQueuedBytes: number
  /** Redeems of a node that wait for an answer; further ones count as unanswered. */
  maxPendingRedeems: number
  /** Events a node keeps while no broker is there; then the oldest go. */
  maxQueuedEvents: number
}

export const DEFAULT_CONTROL_LIMITS: ControlLimits = {
  heartbeatMs: 10_000,
  silenceMs: 30_000,
  handshakeMs: 10_000,
  welcomeMs: 10_000,
  redeemMs: 1_000,
  closeMs: 2_000,
  redialMs: 200,
  maxRedialMs: 5_000,
  maxConnections: 512,
  maxInFlight: 256,
  workBurst: 25_000,
  workPerSecond: 6_000,
  maxQueuedBytes: 16 * 1024 * 1024,
  maxPendingRedeems: 1_024,
  maxQueuedEvents: 10_000,
}
