import { z } from 'zod'
import { REVOCATION_KINDS } from '../tokens/index.ts'
import { id, timestamp } from './schemas.ts'

/** Shapes of what the API says of trust and revocations. */

const thumbprint = z.string().meta({ description: 'SHA-256 of the certificate, upper-case hex.' })
const name = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/, 'need letters, digits, dots and dashes')
const fileName = z
  .string()
  .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/, 'need the name of a file, without a directory')
const printable = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{C}]+$/u, 'need printable characters')

export const revocationBody = z
  .strictObject({
    kind: z.enum(REVOCATION_KINDS),
    value: printable.max(128).meta({
      description:
        'The `jti`, the id of machine, tenant or user, the SHA-256 thumbprint of the issuer; with `before` a time.',
    }),
    endSessions: z.boolean().optional().meta({ description: 'Live sessions end as well.' }),
    reason: printable.optional().meta({ description: 'For people.' }),
  })
  .meta({ id: 'RevocationBody' })

export const revocationShape = z
  .object({
    id,
    kind: z.enum(REVOCATION_KINDS),
    value: z.string().optional(),
    before: timestamp.meta({ description: 'Tokens issued until then are hit; a `jti` always is.' }),
    until: timestamp.meta({ description: 'No token that it hits can be valid after this.' }),
    endSessions: z.boolean(),
    reason: z.string().optional(),
    askedBy: z.string(),
  })
  .meta({ id: 'Revocation' })

export const newRevocationShape = revocationShape
  .extend({
    known: z.boolean().optional().meta({
      description:
        'Whether the machine, tenant or user of the portal is there, or a console with this `jti` was minted here; absent for other kinds.',
    }),
    openSessions: z.int().optional().meta({
      description: 'Sessions of it that are open; `endSessions` ends them. Absent as `known` is.',
    }),
  })
  .meta({ id: 'NewRevocation' })

export const trustedIssuerShape = z
  .object({
    sha256Thumbprint: thumbprint,
    sha1Thumbprint: z.string(),
    subject: z.string(),
    algorithms: z.array(z.string()),
    purposes: z.array(z.enum(['gateway', 'host'])),
    use: z.enum(['primary', 'next', 'retiring', 'trusted']).meta({
      description:
        '`primary` signs now, `next` is to, `retiring` has; `trusted` is not a broker’s.',
    }),
    broker: z.string().optional(),
    notBefore: timestamp,
    notAfter: timestamp.meta({ description: 'End of its trust window.' }),
    publishedVersion: z.int(),
    certificatePem: z.string(),
  })
  .meta({ id: 'Issuer' })

export const verifierShape = z
  .object({
    name: z.string(),
    role: z.enum(['node', 'agent', 'external']),
    trustVersion: z.int().meta({ description: 'What it has confirmed; 0 for nothing.' }),
    revocationVersion: z.int(),
    current: z.boolean().meta({ description: 'It trusts all of the set, the newest included.' }),
    lastSeenAt: timestamp,
  })
  .meta({ id: 'Verifier' })

export const trustShape = z
  .object({
    trustVersion: z.int(),
    items: z.array(trustedIssuerShape),
    verifiers: z.array(verifierShape),
  })
  .meta({ id: 'Trust' })

export const issuerBody = z
  .strictObject({
    certificatePem: z.string().max(16_384),
    purposes: z
      .array(z.enum(['gateway', 'host']))
      .min(1)
      .max(2)
      .optional()
      .meta({ description: 'By default both.' }),
    notBefore: z.iso.datetime({ offset: true }).optional(),
    notAfter: z.iso.datetime({ offset: true }).optional(),
  })
  .meta({ id: 'IssuerBody' })

export const rotationBody = z
  .strictObject({
    certificateFile: fileName.optional().meta({
      description:
        "Name in the broker's key directory; with neither file, the running rotation goes on.",
    }),
    privateKeyFile: fileName.optional(),
    thumbprint: z
      .string()
      .regex(/^[0-9A-F]{40}([0-9A-F]{24})?$/, 'need 40 or 64 upper-case hex digits')
      .optional()
      .meta({ description: 'What the certificate is expected to be.' }),
    overlapDays: z.int().min(1).max(365).optional(),
    without: z.array(name).max(64).optional().meta({
      description: 'Verifiers that need not have confirmed. They will refuse new tokens.',
    }),
  })
  .refine(
    ({ certificateFile, privateKeyFile }) =>
      (certificateFile === undefined) === (privateKeyFile === undefined),
    { path: ['privateKeyFile'], message: 'certificateFile and privateKeyFile come together' },
  )
  .meta({ id: 'RotationBody' })

export const rotationShape = z
  .object({
    step: z.enum(['waiting', 'done']),
    signing: thumbprint,
    next: thumbprint.optional(),
    needsVersion: z.int().optional(),
    lagging: z.array(verifierShape),
  })
  .meta({ id: 'Rotation' })

export const acknowledgementBody = z
  .strictObject({
    trustVersion: z.int().min(0).optional().meta({
      description: 'What the operator has set up there; by default the version that is current.',
    }),
  })
  .meta({ id: 'AcknowledgementBody' })

export type RevocationBody = z.output<typeof revocationBody>
export type IssuerBody = z.output<typeof issuerBody>
