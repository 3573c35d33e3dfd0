import type { KeyPair } from '../certs/index.ts'
import type { Clock, Endpoint, Log } from '../lib/index.ts'

/**
 * How the lab gets the real parts: it may import neither broker nor gateway, and so can't bend them. All
 * of them run in this process and listen on loopback, on free ports.
 */
export interface LabRoles {
  startBroker(options: LabBrokerOptions): Promise<LabBroker>
  startNode(options: LabNodeOptions): Promise<LabVerifier>
  startAgent(options: LabAgentOptions): Promise<LabVerifier>
}

/** One end of the control channel. */
export interface ControlEnd {
  tls: KeyPair
  /** PEM of the control CA. */
  ca: string
}

export interface LabAgentOptions {
  /** Its own name, and the id of its host. */
  name: string
  control: ControlEnd & { broker: Endpoint }
  /** Port of 127.0.0.1 of each machine's console, by the machine's GUID. */
  consoles: Record<string, number>
  clock: Clock
  log: Log
}

export interface LabBrokerOptions {
  farmName: string
  tls: KeyPair
  /** PEM of the authority behind `tls`. */
  ca: string
  issuer: KeyPair
  control: ControlEnd
  clock: Clock
  log: Log
}

export interface LabBroker {
  /** Where nodes dial in. */
  control: Endpoint
  /**
   * One call of the HTTP API, as an operator with every right.
   *
   * @throws BrokerError `ERR_REFUSED` with the problem's code, `ERR_NO_ANSWER`
   */
  api(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<unknown>
  /** Puts an issuer where a rotation looks for it. @returns the names of its files */
  addIssuer(pair: KeyPair): { certificateFile: string; privateKeyFile: string }
  close(): Promise<void>
}

export interface LabNodeOptions {
  name: string
  farmName: string
  tls: KeyPair
  control: ControlEnd & { broker: Endpoint }
  whenBrokerAway: 'local' | 'refuse'
  maxTrustAgeHours: number
  /** Ports of 127.0.0.1 that it may dial. */
  targetPorts: number[]
  /** How long a minute of an idle limit and a second of a session limit last: those are timers, not the clock. */
  idleMinuteMs: number
  sessionSecondMs: number
  clock: Clock
  log: Log
}

/** A node, or a host agent. */
export interface LabVerifier {
  address: Endpoint
  /** How it stands towards its broker; times are of its own clock. */
  figures(): { trustVersion: number | undefined; trustConfirmedMs: number | undefined }
  close(): Promise<void>
}
