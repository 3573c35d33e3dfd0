import { z } from 'zod'
import { refuseOpenListener } from './development.ts'
import {
  brokerAddress,
  file,
  listenAddress,
  pairFiles,
  redeemRuleFields,
  wholeNumber,
} from './fields.ts'

// What a gateway node and a host agent are told alike: both verify tokens.

const instant = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()])
  .transform((text) => new Date(text))
  .describe('a time, for example 2026-11-21T12:00:00Z')

/** One issuer that is trusted: a public certificate, named once more by its thumbprint. */
const trustFile = z
  .strictObject({
    certificateFile: file.describe("the name of a PEM file: the issuer's public certificate"),
    thumbprint: z
      .string()
      .min(40)
      .max(256)
      .describe('SHA-1 or SHA-256 of the certificate in hex, in quotes'),
    notBefore: instant.exactOptional(),
    notAfter: instant.exactOptional(),
  })
  .describe('certificateFile and thumbprint')

/** Trusted by whoever has no `control`, for as long as it runs. */
export const trustFiles = z.array(trustFile).max(64).describe('1 to 64 issuers').default([])

/** The broker that keeps trust and revocations and decides about redeems. */
export const verifierControl = z
  .strictObject({
    broker: brokerAddress,
    tls: pairFiles,
    caFile: file.describe('the name of a PEM file: the certificate of the control CA'),
    /** Where trust and revocations are kept, to serve at once after a restart without a broker. */
    stateFile: file
      .describe('the name of a file that may be written; it is made when missing')
      .exactOptional(),
    /** Trust that no broker has confirmed for so long refuses everybody. */
    maxTrustAgeHours: wholeNumber(1, 720).default(24),
  })
  .describe('broker, tls and caFile')

/** Where Prometheus asks; no listener for clients, since whoever reaches it is answered. */
export const metrics = z
  .strictObject({
    listen: z
      .union([z.literal('off'), listenAddress])
      .describe('off, or a literal address and a port, for example 127.0.0.1:9464')
      .exactOptional(),
  })
  .prefault({})

/** How often one client may present one token. */
export const verifierRedeem = z
  .strictObject({
    ...redeemRuleFields,
    /** Whether the process's own memory decides when no broker answers within a second. */
    whenBrokerAway: z.enum(['local', 'refuse']).describe('local or refuse').default('local'),
  })
  .prefault({})

export type TrustFile = z.infer<typeof trustFile>
export type VerifierControl = z.infer<typeof verifierControl>

interface Verifier {
  development: boolean
  trust: readonly TrustFile[]
  control?: VerifierControl | undefined
  metrics: z.infer<typeof metrics>
}

/** What no single field can say. */
export function checkVerifier(
  context: z.core.$RefinementCtx,
  { development, trust, control, metrics }: Verifier,
): void {
  if ((trust.length === 0) === (control === undefined)) {
    const message = 'need either trust or control: who keeps the list of issuers'
    context.addIssue({ code: 'custom', path: ['trust'], message })
  }
  if (metrics.listen === undefined || metrics.listen === 'off') return
  refuseOpenListener(context, development, ['metrics', 'listen'], metrics.listen)
}
