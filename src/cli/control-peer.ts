import { controlIdentityOf, readCertificate } from '../certs/index.ts'
import type { Peer } from '../control/index.ts'

/** Who a certificate (DER) of the control CA belongs to; undefined when it names nobody. */
export function identifyPeer(certificate: Uint8Array): Peer | undefined {
  return controlIdentityOf(readCertificate(certificate))
}
