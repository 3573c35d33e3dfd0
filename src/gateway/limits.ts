/**
 * Every cap and every timeout of a node, with its unit and its reason: what a peer can make this process
 * hold or wait for.
 */
export interface Limits {
  /**
   * Sockets at once on all listeners, in any state: three for each tunnel that is allowed, and some that
   * only knock. Past it, the one that has waited longest without a request makes room.
   */
  maxConnections: number
  /** The same for one client address, among its own; three of them carry one tunnel at most. */
  maxConnectionsPerAddress: number
  /** From TCP accept to the end of the TLS handshake, and again from the first byte of a request head to its end. */
  requestHeadTimeoutMs: number
  /**
   * From the end of the TLS handshake to the first byte: a person may be reading a certificate prompt. It
   * may be long, since who is silent makes room for others when places run out.
   */
  firstByteTimeoutMs: number
  /** From TCP accept to the end of the PROXY header; a balancer sends it at once. */
  proxyHeaderTimeoutMs: number
  /**
   * OUT and WebSocket connections that have no tunnel yet: nobody has proven anything on them. Past it, the
   * oldest gives way.
   */
  maxHalfOpen: number
  /** The same for one client address, among its own. Many tenants may share one address behind NAT. */
  maxHalfOpenPerAddress: number
  /** OUT waits this long for its IN: a person may be reading a certificate prompt between the two. */
  pairingTimeoutMs: number
  /** IN waits this long for its OUT: clients open OUT first, but a balancer may swap the two. */
  inBeforeOutMs: number
  /** From the first byte of the tunnel to TUNNEL_RESPONSE: no person takes part in it. */
  tunnelTimeoutMs: number
  /** From TUNNEL_RESPONSE to CHANNEL_CREATE: a consent dialog may be open. */
  channelTimeoutMs: number
  /** Tunnels at once on this node; a tunnel at rest takes about 70 to 110 KiB. */
  maxTunnels: number
  /**
   * Tunnels at once from one client address; large, since a whole office may share one. Behind a balancer
   * that does not tell the client's address, all clients share the balancer's: then raise this one, and
   * the two other limits for one address with it.
   */
  maxTunnelsPerAddress: number
  /** Tunnels at once of a laboratory's tokens, from wherever: a tester is one client, or two. */
  maxLabTunnels: number
  /** A laboratory's session ends then, whatever its token says; a scenario takes seconds. */
  labSessionSeconds: number
  /** Name look-up and TCP connect to the host together; below the 15 s that clients wait. */
  dialTimeoutMs: number
  /** Longest token taken from a cookie; ours stay below 1,500 characters, FreeRDP 2 sends up to 8,178. */
  maxCookieCharacters: number
  /** Addresses of one name that are tried. */
  maxDialAttempts: number
  /** From CHANNEL_RESPONSE until the first bytes prove the token's kind, [MS-RDPEPS] 3.2.2. */
  firstBytesTimeoutMs: number
  /** One minute of a token's idle limit; shorter in tests alone. */
  idleMinuteMs: number
  /** One second of a token's session limit; shorter in tests alone. */
  sessionSecondMs: number
  /** Silence on our side after which KEEPALIVE is due; below the idle time-outs of proxies. */
  keepAliveMs: number
  /** Packets that wait for set-up to ask for them: the client is paused then, and one more ends it. */
  maxQueuedPackets: number
  /** Bytes queued towards the host in one tunnel; backpressure works far below it. */
  maxQueuedBytes: number
  /**
   * An administrator message is left out for a client that has more than this to take; the picture alone
   * comes to a quarter of it at most.
   */
  maxMessageBacklogBytes: number
  /** A peer that takes no byte for this long while bytes wait for it is gone or too slow. */
  slowPeerTimeoutMs: number
  /** After the last packet: time to flush it and for the peer to close; then the sockets are destroyed. */
  closeTimeoutMs: number
}

/** Sizes of heads, chunks and packets are bounded in `protocol`, where they are read. */
export const DEFAULT_LIMITS: Limits = {
  maxConnections: 8_192,
  maxConnectionsPerAddress: 1_024,
  requestHeadTimeoutMs: 10_000,
  firstByteTimeoutMs: 120_000,
  proxyHeaderTimeoutMs: 5_000,
  maxHalfOpen: 1_024,
  maxHalfOpenPerAddress: 128,
  pairingTimeoutMs: 120_000,
  inBeforeOutMs: 1_000,
  tunnelTimeoutMs: 30_000,
  channelTimeoutMs: 120_000,
  maxTunnels: 2_048,
  maxTunnelsPerAddress: 256,
  maxLabTunnels: 16,
  labSessionSeconds: 600,
  dialTimeoutMs: 10_000,
  maxDialAttempts: 4,
  maxCookieCharacters: 4_096,
  firstBytesTimeoutMs: 10_000,
  idleMinuteMs: 60_000,
  sessionSecondMs: 1_000,
  keepAliveMs: 30_000,
  maxQueuedPackets: 16,
  maxQueuedBytes: 8 * 1024 * 1024,
  maxMessageBacklogBytes: 512 * 1024,
  slowPeerTimeoutMs: 120_000,
  closeTimeoutMs: 2_000,
}
