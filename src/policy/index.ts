/**
 * Policy: what provider, tenant and VM each set as default or enforce, made into one effective value per
 * setting, with where it came from. Values in, values out: it stores nothing and refuses nobody, which is
 * the broker's business. Start with `values.ts`, then `effective.ts`.
 */
export {
  type EffectivePolicy,
  type EffectiveValue,
  effectivePolicy,
  type LayerSource,
  type PolicyLayer,
  valuesOf,
} from './effective.ts'
export { type PolicyBody, policyBody } from './layer.ts'
export { redirectionFlags } from './redirection-flags.ts'
export {
  BUILT_IN_POLICY,
  POLICY_NAMES,
  type PolicyName,
  type PolicyValues,
  policyValues,
  REDIRECTIONS,
  type Redirection,
} from './values.ts'
