import { type Clock, errorText, faultWords, type Log } from '../lib/index.ts'
import {
  type EffectivePolicy,
  effectivePolicy,
  type PolicyBody,
  type PolicyLayer,
  type PolicyValues,
  policyBody,
} from '../policy/index.ts'
import type { PolicyScope, PutOutcome, Store, StoredPolicy } from '../store/index.ts'
import { ApiError, notFound } from './errors.ts'

/**
 * The layers of policy as the store has them, and what comes of them. Read anew each time: a change holds at once.
 * A layer that is there and cannot be read opens no console to those it concerns, and is told of as `policy.unreadable`.
 */
export interface Policies {
  /** What holds for a machine; a token of another broker may name a tenant or machine that is not here. */
  effective(of: { tenant?: string | undefined; vm?: string | undefined }): Promise<EffectivePolicy>
  /** The same for all machines of a tenant, in one read. */
  ofTenant(tenant: string): Promise<(vm: string) => EffectivePolicy>
  /**
   * One layer; empty when nothing was ever set.
   *
   * @throws ApiError `not-found` without that tenant or machine, `conflict` for what cannot be read
   */
  get(scope: PolicyScope): Promise<PolicyBody>
  /** Replaces one layer. @throws ApiError `not-found` without that tenant or machine */
  put(scope: PolicyScope, body: PolicyBody, askedBy: string): Promise<PutOutcome>
}

export interface PoliciesOptions {
  store: Store
  /** What holds where no layer says anything. */
  builtIn: PolicyValues
  clock: Clock
  log: Log
}

export function createPolicies({ store, builtIn, clock, log }: PoliciesOptions): Policies {
  /** What could not be read, by scope: each text of it is told of once, not at every console. */
  const unreadable = new Map<PolicyScope, string>()

  const toLayer = (stored: StoredPolicy): PolicyLayer => {
    const { scope, body } = stored
    const read = parse(stored)
    if (typeof read === 'object') {
      unreadable.delete(scope)
      return { source: scope, ...read }
    }
    if (unreadable.get(scope) !== body) log.error('policy.unreadable', { scope, error: read })
    unreadable.set(scope, body)
    return { source: scope, unreadable: true }
  }

  const assertKnown = async (scope: PolicyScope): Promise<void> => {
    const [kind = '', id = ''] = scope.split(':')
    if (kind === 'provider') return
    const owner = await (kind === 'tenant' ? store.tenants.get(id) : store.vms.get(id))
    if (owner === undefined) throw notFound(kind, id)
  }

  return {
    async effective(of) {
      return effectivePolicy(builtIn, (await store.policies.listFor(of)).map(toLayer))
    },
    async ofTenant(tenant) {
      const layers = (await store.policies.listOfTenant(tenant)).map(toLayer)
      const concerns = (layer: PolicyLayer, vm: string) =>
        !layer.source.startsWith('vm:') || layer.source === `vm:${vm}`
      return (vm) =>
        effectivePolicy(
          builtIn,
          layers.filter((layer) => concerns(layer, vm)),
        )
    },
    async get(scope) {
      await assertKnown(scope)
      const body = await store.policies.get(scope)
      const read = body === undefined ? {} : parse({ body })
      if (typeof read === 'object') return read
      const remedy =
        'Put the whole layer anew (`policy set --file`); until then it opens no console.'
      throw new ApiError(
        'conflict',
        `What is stored for ${scope} cannot be read: ${read}. ${remedy}`,
      )
    },
    async put(scope, body, askedBy) {
      await assertKnown(scope)
      const outcome = await store.policies.put(scope, JSON.stringify(body), clock.now())
      log.info('policy.changed', { scope, ...body, askedBy })
      return outcome
    },
  }
}

/** What is stored was checked when it came. @returns what is wrong, when it cannot be read by now */
function parse({ body }: Pick<StoredPolicy, 'body'>): PolicyBody | string {
  try {
    const result = policyBody.safeParse(JSON.parse(body), { error: faultWords })
    if (result.success) return result.data
    const [issue] = result.error.issues
    return [...(issue?.path ?? []), issue?.message].join(': ')
  } catch (error) {
    return errorText(error)
  }
}
