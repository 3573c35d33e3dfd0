import type { z } from 'zod'
import { ConfigError, type Endpoint } from '../lib/index.ts'
import { isLoopback } from './loopback.ts'

/** A certificate that was read from a file which the configuration names. */
export interface NamedCertificate {
  /** Path of the field that names the file: `tls.certificateFile`. */
  path: string
  /** It carries the development organization. */
  development: boolean
}

/**
 * Development certificates come with keys that many people may have: a role takes them only when its
 * configuration says `development: true`, and the schema then keeps every listener on loopback.
 *
 * @throws ConfigError naming the first field whose certificate is not allowed
 */
export function assertDevelopmentAllowed(
  { development }: { development: boolean },
  certificates: NamedCertificate[],
): void {
  const refused = certificates.find((certificate) => certificate.development && !development)
  if (refused === undefined) return
  throw new ConfigError(
    refused.path,
    'is a development certificate; use one of your own, or set development: true on a machine where only loopback listens',
  )
}

/** The schema's half of that rule. */
export function refuseOpenListener(
  context: z.core.$RefinementCtx,
  development: boolean,
  path: PropertyKey[],
  { host }: Endpoint,
): void {
  if (!development || isLoopback(host)) return
  context.addIssue({
    code: 'custom',
    path,
    message: `need a loopback address with development: true, ${host} can be reached from elsewhere`,
  })
}
