import { z } from 'zod'
import type { AuditPlace } from '../../store/index.ts'
import { timestamp } from '../schemas.ts'

/** Shapes of what the API says of who did what. */

const MAX_LIMIT = 1_000

const limit = z.coerce
  .number()
  .int()
  .min(1)
  .max(MAX_LIMIT)
  .optional()
  .meta({ description: `At most so many, up to ${MAX_LIMIT}; 100 when absent.` })

const after = z
  .string()
  .max(160)
  .transform(toPlace)
  .refine((place) => place !== undefined, 'need the `next` of an answer before')
  .optional()
  .meta({ description: '`next` of the answer before.', override: { type: 'string' } })

const wanted = z.string().min(1).max(200).optional()

export const pageQuery = z.strictObject({ limit, after })

export const auditQuery = z.strictObject({
  ...pageQuery.shape,
  newest: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'The last ones first, by time; without `after` and `next`.' }),
  actor: wanted.meta({ description: '`key:ID`, `user:ID`, or `address:…` of who is not known.' }),
  action: wanted.meta({ description: 'The operation, as in this document.' }),
  ref: wanted.meta({ description: 'The reference of an answer or a console.' }),
})

export const auditShape = z
  .object({
    broker: z.string(),
    seq: z.int().meta({ description: 'From 1 on, without gaps; each broker counts its own.' }),
    time: timestamp,
    actor: z.string(),
    action: z.string(),
    subject: z.string(),
    outcome: z.string().meta({ description: '`done`, or the code of the refusal.' }),
    ref: z.string().optional(),
    details: z.string().optional().meta({ description: 'What was asked for: JSON, no secrets.' }),
    prev: z.string().meta({ description: 'Hash of the record before.' }),
    hash: z.string(),
  })
  .meta({ id: 'AuditRecord' })

export const checkpointShape = z
  .object({
    broker: z.string(),
    seq: z.int(),
    time: timestamp,
    hash: z.string().meta({ description: 'Of the record with this number.' }),
    checkpoint: z.string().meta({ description: 'Both, signed by the issuer: compact JWS.' }),
  })
  .meta({ id: 'AuditCheckpoint' })

export const keepDaysShape = z.int().meta({
  description: 'So long records are kept; those before a checkpoint that is older may be gone.',
})

/** `broker/seq`; names of brokers have no slash. */
function toPlace(text: string): AuditPlace | undefined {
  const match = /^([^/]{1,128})\/(\d{1,15})$/.exec(text)
  return match?.[1] === undefined ? undefined : { broker: match[1], seq: Number(match[2]) }
}

export function renderPlace({ broker, seq }: AuditPlace): string {
  return `${broker}/${seq}`
}
