/** HTTP_EXTENDED_AUTH, [MS-TSGU] 2.2.5.3.2: how the client will prove itself. Flags, tested with `&`. */
export const ExtendedAuth = {
  none: 0x0,
  smartCard: 0x1,
  /** Pluggable authentication: a cookie in TUNNEL_CREATE. */
  paa: 0x2,
  sspiNtlm: 0x4,
} as const

/** HTTP_CAPABILITY_TYPE, [MS-TSGU] 2.2.5.3.9. */
export const Capability = {
  quarSoh: 0x01,
  idleTimeout: 0x02,
  messagingConsentSign: 0x04,
  messagingServiceMsg: 0x08,
  reauth: 0x10,
  udpTransport: 0x20,
} as const

/** HTTP_TUNNEL_REDIR_FLAGS, [MS-TSGU] 2.2.5.3.7: each bit but the first two switches one redirection off. */
export const RedirFlag = {
  enableAll: 0x8000_0000,
  disableAll: 0x4000_0000,
  disableDrive: 0x01,
  disablePrinter: 0x02,
  disablePort: 0x04,
  disableClipboard: 0x08,
  disablePnp: 0x10,
} as const
