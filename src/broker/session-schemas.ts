import { z } from 'zod'
import { isUserText, MAX_USER_TEXT_CHARACTERS } from '../lib/index.ts'
import { pageFields } from './paging.ts'
import { id, timestamp } from './schemas.ts'

/** Shapes of what the API says of live sessions, and takes for them. */

const wanted = z.string().min(1).max(128).optional()

export const sessionQuery = z.strictObject({
  ref: wanted.meta({
    description: 'Only those of the console with this reference, in any spelling.',
  }),
  vm: wanted.meta({ description: 'Only those of this machine.' }),
  tenant: wanted.meta({ description: 'Only those of this tenant.' }),
  host: wanted.meta({ description: "Only those of this host's machines, by its id." }),
  user: wanted.meta({ description: 'Only those of this user, the `sub` of the token.' }),
  node: wanted.meta({ description: 'Only those on this node.' }),
  ...pageFields,
})

export const messageBody = z
  .strictObject({
    text: z
      .string()
      .refine(
        isUserText,
        `need 1 to ${MAX_USER_TEXT_CHARACTERS} characters, no control characters but line feeds`,
      )
      .meta({ description: 'What the user is to read.' }),
  })
  .meta({ id: 'MessageBody' })

export const sessionShape = z
  .object({
    id,
    jti: z.string().optional(),
    ref: z
      .string()
      .optional()
      .meta({
        description: 'Reference of the console; absent for tokens that were not minted here.',
        examples: ['7K3M-Q2XD'],
      }),
    tenant: z.string().optional(),
    user: z.string().optional(),
    vm: z.string().optional(),
    host: z.string().optional().meta({ description: '`host:port`, as the token names it.' }),
    node: z.string(),
    tunnel: z.string(),
    transport: z.string().optional().meta({
      description: '`websocket` or `http`; absent, as all below, until its node has told.',
    }),
    clientAddress: z.string(),
    openedAt: timestamp,
    seenAt: timestamp.meta({ description: 'The last heartbeat that named it.' }),
    idleSeconds: z.int().optional().meta({
      description: "Since the client's last input, as of `seenAt`; heartbeats are 10 s apart.",
    }),
    bytesIn: z.int().optional().meta({ description: 'From the client to the host.' }),
    bytesOut: z.int().optional().meta({ description: 'From the host to the client.' }),
    takesMessages: z.boolean().optional().meta({
      description: 'Its client has announced that it shows messages.',
    }),
    endedAt: timestamp.optional(),
    reason: z.string().optional().meta({ description: 'Why it ended.' }),
  })
  .meta({ id: 'Session' })
