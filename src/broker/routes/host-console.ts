import { z } from 'zod'
import type { HostConsoles } from '../host-consoles.ts'
import { defineRoute, type Route } from '../route.ts'
import { id } from '../schemas.ts'

const hostConsoleBody = z
  .strictObject({
    allow: z.boolean(),
    endSessions: z
      .boolean()
      .optional()
      .meta({ description: 'End the open sessions as well, with `allow: false` only.' }),
  })
  .refine(({ allow, endSessions }) => !allow || endSessions !== true, {
    path: ['endSessions'],
    message: 'need allow: false',
  })
  .meta({ id: 'HostConsoleBody' })

const hostConsoleShape = z
  .object({
    host: id,
    allow: z.boolean(),
    openSessions: z.int().meta({ description: 'Of its machines; they go on.' }),
    endedSessions: z.int().meta({ description: 'Its nodes are told to end them.' }),
  })
  .meta({ id: 'HostConsole' })

/** Opting one host in or out, and nothing else of it. */
export function hostConsoleRoutes(consoles: HostConsoles): Route[] {
  return [
    defineRoute({
      method: 'put',
      path: '/v1/hosts/{id}/console',
      operationId: 'putHostConsole',
      summary:
        'Switch the consoles of a host on or off: no new ones, open sessions only if asked to',
      access: 'inventory.write',
      body: hostConsoleBody,
      answers: {
        '200': {
          description: 'It is switched.',
          content: { 'application/json': { schema: hostConsoleShape } },
        },
      },
      async handle({ id: host, body: { allow, endSessions = false }, caller }) {
        const askedBy = caller.name
        const counts = await consoles.switch(host, { allow, endSessions, askedBy })
        return { status: 200, body: { host, allow, ...counts } }
      },
    }),
  ]
}
