import { z } from 'zod'
import { isUserText, MAX_USER_TEXT_CHARACTERS } from '../lib/index.ts'

/** What of the client's own machine a console may use; the rest stays off whatever policy says. */
export const REDIRECTIONS = ['clipboard', 'drives', 'printers', 'ports', 'pnp'] as const
export type Redirection = (typeof REDIRECTIONS)[number]

/** Seconds, within what any verifier accepts ([DESIGN 4.1]: 60 minutes). */
const lifetime = z.int().min(5).max(3600)

/**
 * Every setting of a policy with its bounds. 0, an empty list and an empty text are values like others:
 * a layer below says with them that a limit from above is not for it.
 */
export const policyValues = z.strictObject({
  allowConsole: z.boolean().meta({
    description: 'Consoles may be opened, on hosts whose consoles are switched on.',
  }),
  allowBrowser: z.boolean().meta({ description: 'Consoles may be opened in the browser.' }),
  ttlMinSeconds: lifetime.meta({ description: 'Shortest life of a token that may be asked for.' }),
  ttlMaxSeconds: lifetime.meta({ description: 'Longest life of a token that may be asked for.' }),
  ttlSeconds: lifetime.meta({ description: 'Life of a token when nothing is asked for.' }),
  tokenFormat: z.enum(['native', 'fedauth']).meta({
    description: 'Format of a token when nothing is asked for.',
  }),
  clientBinding: z.enum(['address', 'prefix', 'none']).meta({
    description: 'How closely a token stays with the client that presents it first.',
  }),
  reconnectWindowSeconds: z.int().min(0).max(300).meta({
    description: 'The client may come back so long after its session dropped; 0 for not at all.',
  }),
  idleLimitMinutes: z.int().min(0).max(1440).meta({
    description: 'A session without input ends after so long; 0 for no limit.',
  }),
  sessionLimitSeconds: z.int().min(0).max(2_592_000).meta({
    description: 'A session ends after so long; 0 for no limit.',
  }),
  maxSessions: z.int().min(0).max(1000).meta({
    description: 'Sessions of one machine that may be open at a time; 0 for no limit.',
  }),
  redirect: z
    .array(z.enum(REDIRECTIONS))
    .max(REDIRECTIONS.length)
    .refine((names) => new Set(names).size === names.length, 'names one twice')
    .meta({ description: "What of the client's own machine the console may use." }),
  consentText: z
    .string()
    .max(MAX_USER_TEXT_CHARACTERS)
    .refine((text) => text === '' || isUserText(text), {
      message: 'need text without control characters, line feeds aside',
    })
    .meta({ description: 'What the user has to agree to; empty for nothing.' }),
})

export type PolicyValues = z.output<typeof policyValues>
export type PolicyName = keyof PolicyValues

/** In the order of the help and of every listing. */
export const POLICY_NAMES: readonly PolicyName[] = policyValues.keyof().options

/** What holds where no layer says anything. */
export const BUILT_IN_POLICY: PolicyValues = {
  allowConsole: true,
  allowBrowser: true,
  ttlMinSeconds: 5,
  ttlMaxSeconds: 3600,
  ttlSeconds: 60,
  tokenFormat: 'native',
  clientBinding: 'address',
  reconnectWindowSeconds: 0,
  idleLimitMinutes: 0,
  sessionLimitSeconds: 0,
  maxSessions: 0,
  redirect: [],
  consentText: '',
}
