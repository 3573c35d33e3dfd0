import type { Clock, Log } from '../lib/index.ts'
import type { ControlLimits } from './limits.ts'
import type { Peer } from './service.ts'

/** By what one end of the control channel knows the other, and is known to it. */
export interface ControlCertificate {
  /** Our own control certificate. */
  tls: { certificatePem: string; privateKeyPem: string }
  /** PEM of the control CA: nobody else's certificates get as far as a message. */
  ca: string
}

/** What either end of the control channel needs, the broker's and the node's. */
export interface ControlEndOptions extends ControlCertificate {
  /** Who a certificate (DER), which the control CA has signed, belongs to. */
  identify(certificate: Uint8Array): Peer | undefined
  clock: Clock
  log: Log
  /** Those that differ from `DEFAULT_CONTROL_LIMITS`. */
  limits?: Partial<ControlLimits>
}
