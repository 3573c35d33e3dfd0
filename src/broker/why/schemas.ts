import { z } from 'zod'
import { id, timestamp } from '../schemas.ts'
import { STATES } from './account.ts'

/** Shapes of what the API says to who asks why. */

export const whyId = z
  .string()
  .regex(/^[^\p{C}/]{1,128}$/u, 'need a reference or a jti')
  .meta({
    description: 'A reference in any spelling, or the `jti` that a line of a log has.',
    examples: ['7K3M-Q2XD'],
  })

const reason = z.string().meta({ examples: ['token-expired'] })

export const whyShape = z
  .object({
    ref: z
      .string()
      .optional()
      .meta({ description: "The console's, or the one that was asked for." }),
    state: z.enum(STATES).meta({
      description:
        '`waiting` and `unused`: no node has seen the file, and it may or may no longer be opened.',
    }),
    summary: z.string(),
    reason: reason.optional(),
    cause: z
      .string()
      .optional()
      .meta({ description: 'What is behind the reason most of the time.' }),
    fix: z.string().optional(),
    open: z.int().meta({ description: 'Sessions that are open at this moment.' }),
    console: z
      .object({
        id,
        vm: z.string(),
        tenant: z.string(),
        user: z.string(),
        host: z.string().meta({ description: '`host:port`, as the token names it.' }),
        createdAt: timestamp,
        expiresAt: timestamp,
        revokedAt: timestamp.optional(),
      })
      .optional()
      .meta({ description: 'Absent where nothing was handed out.' }),
    timeline: z.array(
      z.object({
        time: timestamp,
        source: z
          .string()
          .meta({ description: 'Where it happened: a node, an agent, or `broker`.' }),
        event: z.string(),
        text: z.string(),
        reason: reason.optional(),
        verified: z.boolean().meta({
          description: 'False: it came from a stranger, and nothing of its token was verified.',
        }),
      }),
    ),
  })
  .meta({ id: 'Why' })
