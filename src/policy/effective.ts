import { LIFETIMES, type PolicyBody } from './layer.ts'
import { POLICY_NAMES, type PolicyName, type PolicyValues } from './values.ts'

/** `tenant:acme`; also how a layer is named where it is kept. */
export type LayerSource = 'provider' | `tenant:${string}` | `vm:${string}`

/** What a layer says; `unreadable`: it has something to say, and nobody knows what. */
export type PolicyLayer =
  | (PolicyBody & { source: LayerSource; unreadable?: never })
  | { source: LayerSource; unreadable: true; default?: never; enforce?: never }

export interface EffectiveValue<Value> {
  value: Value
  source: 'built-in' | LayerSource
  /** Enforced: no layer below and no request changes it. */
  locked: boolean
  /** It is off because this layer cannot be read, whatever the layer says of it. */
  unreadable?: true
}

export type EffectivePolicy = { [Name in PolicyName]: EffectiveValue<PolicyValues[Name]> }

/**
 * What holds, and why. An enforced value wins over every default, the one from the outermost layer over
 * the others; among defaults that of the innermost layer wins.
 *
 * Lifetimes are set one by one, so layers can contradict each other: then an enforced one stays before one
 * that is not, the longest before the shortest, and the others are moved to what it allows: they get its value
 * and its source.
 *
 * INVARIANT: with a layer that cannot be read no console is allowed, whatever the others say: it may forbid it.
 *
 * @param layers the outermost first: provider, tenant, VM; any of them may be missing
 */
export function effectivePolicy(
  builtIn: PolicyValues,
  layers: readonly PolicyLayer[],
): EffectivePolicy {
  const settled = POLICY_NAMES.map((name) => [name, settle(name, builtIn, layers)])
  // Object.fromEntries forgets that each name has the value of its own type.
  return denyUnread(reconcileLifetimes(Object.fromEntries(settled) as EffectivePolicy), layers)
}

/** The values alone. */
export function valuesOf(policy: EffectivePolicy): PolicyValues {
  const values = POLICY_NAMES.map((name) => [name, policy[name].value])
  // As above.
  return Object.fromEntries(values) as PolicyValues
}

function settle<Name extends PolicyName>(
  name: Name,
  builtIn: PolicyValues,
  layers: readonly PolicyLayer[],
): EffectiveValue<PolicyValues[Name]> {
  for (const { source, enforce } of layers) {
    const value = enforce?.[name]
    if (value !== undefined) return { value, source, locked: true }
  }
  for (const { source, default: defaults } of layers.toReversed()) {
    const value = defaults?.[name]
    if (value !== undefined) return { value, source, locked: false }
  }
  return { value: builtIn[name], source: 'built-in', locked: false }
}

function denyUnread(policy: EffectivePolicy, layers: readonly PolicyLayer[]): EffectivePolicy {
  const unread = layers.find(({ unreadable }) => unreadable)
  if (unread === undefined) return policy
  const { source } = unread
  return { ...policy, allowConsole: { value: false, source, locked: true, unreadable: true } }
}

function reconcileLifetimes(policy: EffectivePolicy): EffectivePolicy {
  const strongestFirst = (['ttlMaxSeconds', 'ttlMinSeconds', 'ttlSeconds'] as const).toSorted(
    (a, b) => Number(policy[b].locked) - Number(policy[a].locked),
  )
  const placed = { ...policy }
  for (const [count, name] of strongestFirst.entries()) {
    for (const other of strongestFirst.slice(0, count)) {
      const bound = placed[other]
      const isAbove = LIFETIMES.indexOf(other) > LIFETIMES.indexOf(name)
      const { value, locked } = placed[name]
      const isOutside = isAbove ? value > bound.value : value < bound.value
      if (isOutside) placed[name] = { value: bound.value, source: bound.source, locked }
    }
  }
  return placed
}
