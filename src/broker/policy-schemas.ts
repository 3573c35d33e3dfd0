import { z } from 'zod'
import { POLICY_NAMES, type PolicyName, policyBody, policyValues } from '../policy/index.ts'
import { id } from './schemas.ts'

/** Shapes of what the API says of policy; the settings themselves are the policy room's. */

export const policyLayerBody = policyBody.meta({ id: 'PolicyBody' })

export const policyLayerShape = z
  .object({ default: policyValues.partial(), enforce: policyValues.partial() })
  .meta({ id: 'Policy', description: 'What one layer says; it can be put back as it is.' })

export const effectiveQuery = z.strictObject({ vm: id })

export const effectivePolicyShape = z
  .object({ vm: id, tenant: id, values: z.object(effectiveShapes()) })
  .meta({ id: 'EffectivePolicy' })

function effectiveShapes() {
  const shapes = POLICY_NAMES.map((name) => [
    name,
    z.object({
      value: policyValues.shape[name],
      source: z.string().meta({
        description: '`built-in`, `provider`, `tenant:ID` or `vm:ID`.',
        examples: ['tenant:acme'],
      }),
      locked: z.boolean().meta({ description: 'Enforced: nothing below changes it.' }),
      unreadable: z.literal(true).optional().meta({
        description: 'The layer cannot be read, so no console opens until it is put anew.',
      }),
    }),
  ])
  // Object.fromEntries forgets the names, which are those of the settings.
  return Object.fromEntries(shapes) as Record<PolicyName, z.ZodType>
}
