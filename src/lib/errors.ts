import type { Reason } from './reasons.ts'

/** Codes inside this process. Callers switch on them, never on text; they never leave the process. */
export type ErrorCode =
  | 'ERR_PACKET_TRUNCATED'
  | 'ERR_PACKET_MALFORMED'
  | 'ERR_PACKET_TOO_LARGE'
  | 'ERR_PACKET_UNEXPECTED'
  | 'ERR_HTTP_MALFORMED'
  | 'ERR_HTTP_TOO_LARGE'
  | 'ERR_CLOSED'
  | 'ERR_DEADLINE'
  | 'ERR_DIAL_FAILED'
  | 'ERR_CERTIFICATE'
  | 'ERR_CONFIG'
  | 'ERR_RDP_FILE'
  | 'ERR_STORE'
  | 'ERR_START'
  | 'ERR_USAGE'
  | 'ERR_NO_ANSWER'
  | 'ERR_REFUSED'

/**
 * The base of every error this code throws on purpose.
 * Messages are lower case, without a full stop, and name the field and both values:
 * `cookieLen: need 34 bytes, have 12`. They never hold a token, a key or a cookie.
 */
export class BrokerError extends Error {
  override readonly name: string = 'BrokerError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A peer's bytes that break the protocol: closes that one connection, never the process. */
export class ProtocolError extends BrokerError {
  override readonly name = 'ProtocolError'
  /** The packet or structure that was being read, for example `TUNNEL_CREATE`. */
  readonly packet: string
  /** The field that is wrong, with the wire specification's name in camelCase. */
  readonly field: string

  constructor(code: ErrorCode, packet: string, field: string, message: string) {
    super(code, `${packet}.${field}: ${message}`)
    this.packet = packet
    this.field = field
  }
}

/** A configuration value that cannot be used. `path` is dotted: `listeners.0.address`. */
export class ConfigError extends BrokerError {
  override readonly name = 'ConfigError'
  readonly path: string

  constructor(path: string, message: string, options?: ErrorOptions) {
    super('ERR_CONFIG', `${path}: ${message}`, options)
    this.path = path
  }
}

/** A decision against a token, a client, a target or a request; `reason` is the public word for it. */
export class Refusal extends BrokerError {
  override readonly name = 'Refusal'
  readonly reason: Reason

  constructor(reason: Reason, detail: string, options?: ErrorOptions) {
    super('ERR_REFUSED', detail, options)
    this.reason = reason
  }
}
