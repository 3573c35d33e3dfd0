/** Every cap and every timeout of an agent, with its unit and its reason. */
export interface AgentLimits {
  /**
   * Connections at once, in any state; each is one console session of one client at most. Past it the oldest makes
   * room whose opening has not come.
   */
  maxConnections: number
  /** From TCP accept to the end of the TLS handshake; only nodes dial. */
  handshakeMs: number
  /** From there to the end of the connection request: PROXY header, blob and request come in one go, [MS-RDPEPS] 3.2.2. */
  openingMs: number
  /** TCP connect to the console, which is on this machine or next to it. */
  dialMs: number
  /** A side that takes no byte for this long while bytes wait for it is gone or too slow. */
  slowPeerMs: number
  /** After the end: time to flush the last bytes and for the peer to close; then the sockets are destroyed. */
  closeMs: number
}

export const DEFAULT_AGENT_LIMITS: AgentLimits = {
  maxConnections: 1_024,
  handshakeMs: 10_000,
  openingMs: 10_000,
  dialMs: 5_000,
  slowPeerMs: 120_000,
  closeMs: 2_000,
}

/** The connection request before TLS; 255 bytes of TPDU are all that X.224 allows. */
export const MAX_REQUEST_BYTES = 1_024
