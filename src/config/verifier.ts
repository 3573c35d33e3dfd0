import { z } from 'zod'
import { refuseOpenListener } from './development.ts'
import {
  brokerAddress,
  file,
  listenAddress,
  pairFiles,
  REDEEM,
  redeemRuleFields,
  wholeNumber,
} from './fields.ts'

// What a gateway node and a host agent are told alike: both verify tokens.

const instant = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()])
  .transform((text) => new Date(text))
  .meta({ need: 'a time, for example 2026-11-21T12:00:00Z' })

/** One issuer that is trusted: a public certificate, named once more by its thumbprint. */
export const trustFile = z
  .strictObject({
    certificateFile: file
      .meta({ need: "the name of a PEM file: the issuer's public certificate" })
      .describe('Public certificate of the issuer.'),
    thumbprint: z
      .string()
      .min(40)
      .max(256)
      .meta({ need: 'SHA-1 or SHA-256 of the certificate in hex, in quotes' })
      .describe(
        'Thumbprint of that certificate: what the operator meant, whatever the file holds.',
      ),
    notBefore: instant
      .exactOptional()
      .describe('Tokens of this issuer are refused before this time.'),
    notAfter: instant
      .exactOptional()
      .describe('Tokens of this issuer are refused after this time.'),
  })
  .meta({ need: 'certificateFile and thumbprint' })

export const trustFiles = z
  .array(trustFile)
  .max(64)
  .meta({ need: '1 to 64 issuers' })
  .default([])
  .describe('Issuers that are trusted where there is no `control`; nothing can be revoked then.')

export const CONTROL = 'The broker that keeps trust and revocations and decides about redeems.'

export const verifierControl = z
  .strictObject({
    broker: brokerAddress.describe("Where the broker's control channel listens."),
    tls: pairFiles.describe(
      'Certificate and key on the control channel; it names the role and the name above.',
    ),
    caFile: file
      .meta({ need: 'the name of a PEM file: the certificate of the control CA' })
      .describe("Authority of the broker's control certificate."),
    stateFile: file
      .meta({ need: 'the name of a file that may be written; it is made when missing' })
      .exactOptional()
      .describe(
        'Where trust and revocations are kept, to serve at once after a restart without a broker.',
      ),
    maxTrustAgeHours: wholeNumber(1, 720)
      .default(24)
      .describe('Trust that no broker has confirmed for so long refuses everybody.'),
  })
  .meta({ need: 'broker, tls and caFile' })

export const metrics = z
  .strictObject({
    listen: z
      .union([z.literal('off'), listenAddress])
      .meta({ need: 'off, or a literal address and a port, for example 127.0.0.1:9464' })
      .exactOptional()
      .describe(
        'Where metrics are asked for; 127.0.0.1:9464 when left out, off with development: true.',
      ),
  })
  .prefault({})
  .describe('For Prometheus; no listener for clients, since whoever reaches it is answered.')

export const verifierRedeem = z
  .strictObject({
    ...redeemRuleFields,
    whenBrokerAway: z
      .enum(['local', 'refuse'])
      .meta({ need: 'local or refuse' })
      .default('local')
      .describe(
        "Whether the process's own memory decides when no broker answers within a second, or nobody is let in.",
      ),
  })
  .prefault({})
  .describe(REDEEM)

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
