import { z } from 'zod'
import { MAX_NAME_LENGTH, ROLES } from '../store/index.ts'
import { roleList, id as tenantId, timestamp } from './schemas.ts'

/** Shapes of what the API says of its keys, and takes for them. */

const MAX_TENANTS = 100

/** It stands inside the key's text: `pck_<id>_…`. */
export const keyId = z
  .string()
  .regex(/^[a-z0-9]{1,32}$/, 'need 1 to 32 lower-case letters and digits')

export const keyBody = z
  .strictObject({
    id: keyId.meta({ description: 'How logs name it; no other key may have, or have had, it.' }),
    label: z
      .string()
      .max(MAX_NAME_LENGTH)
      .regex(/^[^\p{C}]*$/u, 'need printable characters')
      .optional()
      .meta({ description: 'For people.' }),
    roles: roleList(ROLES, { min: 1 }),
    tenants: z.array(tenantId).min(1).max(MAX_TENANTS).optional().meta({
      description: 'Whose consoles the role `portal` may open and read; with that role only.',
    }),
    expiresAt: timestamp.optional().meta({ description: 'Absent: never.' }),
  })
  .meta({ id: 'KeyBody' })

export const keyShape = z
  .object({
    id: z.string(),
    label: z.string(),
    roles: z.array(z.enum(ROLES)),
    tenants: z.array(tenantId).optional(),
    createdAt: timestamp,
    expiresAt: timestamp.optional(),
    lastUsedAt: timestamp.optional().meta({ description: 'To the minute; absent: never.' }),
    revokedAt: timestamp.optional(),
  })
  .meta({ id: 'Key' })

export const createdKey = keyShape
  .extend({ key: z.string().meta({ description: 'In this one answer only.' }) })
  .meta({ id: 'CreatedKey' })
