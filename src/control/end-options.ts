import type { Clock, Log } from '../lib/index.ts'
import type { ControlLimits } from './limits.ts'
import type { Peer } from './service.ts'

/** What either end of the control channel needs, the broker's and the node's. */
export interface ControlEndOptions {
  /** Our own control certificate. */
  tls: { certificatePem: string; privateKeyPem: string }
  /** PEM of the control CA: nobody else's certificates get as far as a message. */
  ca: string
  /** Who a certificate (DER), which the control CA has signed, belongs to. */
  identify(certificate: Uint8Array): Peer | undefined
  clock: Clock
  log: Log
  /** Those that differ from `DEFAULT_CONTROL_LIMITS`. */
  limits?: Partial<ControlLimits>
}
