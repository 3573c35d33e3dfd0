import { z } from 'zod'
import { MAX_DRAIN_MESSAGE } from '../control/index.ts'
import { isUserText } from '../lib/index.ts'
import { REGISTRY_STATES } from './nodes.ts'
import { id } from './schemas.ts'

/** Shapes of what the API says of gateway nodes. */

/** Long enough to finish what one is doing, short enough for a maintenance window. */
export const DEFAULT_DRAIN_SECONDS = 600
const MAX_DRAIN_SECONDS = 7 * 24 * 60 * 60

const timestamp = z.iso.datetime().meta({ description: 'RFC 3339, UTC.' })

export const drainBody = z
  .strictObject({
    deadlineSeconds: z
      .int()
      .min(0)
      .max(MAX_DRAIN_SECONDS)
      .optional()
      .meta({
        description: `How long open sessions may go on; then they end with \`drained\`. By default ${DEFAULT_DRAIN_SECONDS}.`,
      }),
    message: z
      .string()
      .max(MAX_DRAIN_MESSAGE, { abort: true })
      .refine(isUserText, 'need a text to show: no control characters but line feeds')
      .optional()
      .meta({ description: 'For the users; the node adds how long they have.' }),
  })
  .meta({ id: 'DrainBody' })

export const nodeShape = z
  .object({
    id,
    state: z.enum(REGISTRY_STATES).meta({
      description:
        '`degraded`: `issues` says why. `lost`: no heartbeat for 35 s. `draining`: it takes no new tunnels.',
    }),
    issues: z.array(z.string()).meta({ description: 'For people.' }),
    tunnels: z.int().optional(),
    software: z.string().optional(),
    address: z.string().optional().meta({ description: 'Where it dials the broker from.' }),
    trustVersion: z.int().meta({ description: 'What it has confirmed; 0 for nothing.' }),
    trustCurrent: z.boolean(),
    revocationVersion: z.int(),
    clockOffsetMs: z.int().optional().meta({ description: "Its clock minus the broker's." }),
    certificateNotAfter: timestamp
      .optional()
      .meta({ description: 'End of its control certificate.' }),
    lastSeenAt: timestamp,
    drain: z
      .object({
        askedAt: timestamp,
        deadline: timestamp,
        message: z.string().optional(),
        askedBy: z.string(),
        confirmed: z.boolean().meta({ description: 'The node has said that it admits nobody.' }),
        done: z.boolean().meta({ description: 'And that it has no tunnel left.' }),
      })
      .optional(),
  })
  .meta({ id: 'Node' })
