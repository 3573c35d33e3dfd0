import { z } from 'zod'
import { Secret } from '../lib/index.ts'
import { USER_ROLES } from '../store/index.ts'
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from './passwords.ts'
import { id, roleList, user } from './schemas.ts'

/** Shapes of what the API says of the portal's users, and takes for them. */

/** What people sign in with: `ann`, `ann@acme.example`. */
export const userId = user.regex(/^\S+$/, 'need printable characters, no white space')

const password = z
  .string()
  .refine(
    (text) => text.length >= MIN_PASSWORD_LENGTH && text.length <= MAX_PASSWORD_LENGTH,
    `need ${MIN_PASSWORD_LENGTH} to ${MAX_PASSWORD_LENGTH} characters`,
  )
  .transform((text) => new Secret(text))
  .meta({ description: 'Needed for a new user; left out, a known one keeps its own.' })

export const userBody = z
  .strictObject({
    tenant: id.optional().meta({
      description:
        "Absent for the provider's own people. Who has one may what a key with the role `portal` may, for it alone.",
    }),
    roles: roleList(USER_ROLES)
      .optional()
      .meta({ description: "What the provider's own people may; none for a tenant's." }),
    password: password.optional(),
    disabled: z.boolean().optional().meta({
      description: 'May not sign in. Setting it, and any new password, ends its portal sessions.',
    }),
  })
  .meta({ id: 'UserBody' })

export const userShape = z
  .object({
    id: z.string(),
    tenant: id.optional(),
    roles: z.array(z.enum(USER_ROLES)),
    disabled: z.boolean(),
  })
  .meta({ id: 'User' })

export type UserBody = z.output<typeof userBody>
