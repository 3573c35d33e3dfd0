import { z } from 'zod'
import { type PolicyName, type PolicyValues, policyValues } from './values.ts'

const someValues = policyValues.partial()

/** The lifetimes, shortest first: within one layer and in what comes of all of them they stay in this order. */
export const LIFETIMES = ['ttlMinSeconds', 'ttlSeconds', 'ttlMaxSeconds'] as const

/**
 * What one layer says: defaults, which a layer below or a request may change, and enforced values, which
 * nobody below may. Unknown names are refused: they would be a rule that nobody keeps.
 */
export const policyBody: z.ZodType<PolicyBody, PolicyBody> = z
  .strictObject({ default: someValues.optional(), enforce: someValues.optional() })
  .superRefine((body, context) => {
    const { default: defaults = {}, enforce = {} } = body
    for (const name of namesIn(defaults)) {
      if (enforce[name] === undefined) continue
      context.addIssue({ code: 'custom', path: ['default', name], message: 'is enforced as well' })
    }
    const both = { ...defaults, ...enforce }
    for (const [index, low] of LIFETIMES.entries()) {
      for (const high of LIFETIMES.slice(index + 1)) {
        const [least, most] = [both[low], both[high]]
        if (least === undefined || most === undefined || least <= most) continue
        const path = [enforce[high] === undefined ? 'default' : 'enforce', high]
        context.addIssue({
          code: 'custom',
          path,
          message: `need at least ${low}, ${least}, have ${most}`,
        })
      }
    }
  })

export type SomePolicyValues = { [Name in PolicyName]?: PolicyValues[Name] | undefined }

/** Output of {@link policyBody}. */
export interface PolicyBody {
  default?: SomePolicyValues | undefined
  enforce?: SomePolicyValues | undefined
}

function namesIn(values: SomePolicyValues): PolicyName[] {
  // The schema is strict: its keys are the names of settings.
  return Object.keys(values) as PolicyName[]
}
