import { BrokerError, type Clock, errorText, type Log } from '../lib/index.ts'
import {
  type EffectivePolicy,
  effectivePolicy,
  type PolicyBody,
  type PolicyLayer,
  type PolicyValues,
  policyBody,
} from '../policy/index.ts'
import type { PolicyScope, PutOutcome, Store, StoredPolicy } from '../store/index.ts'
import { notFound } from './errors.ts'

/** The layers of policy as the store has them, and what comes of them. Read anew each time: a change holds at once. */
export interface Policies {
  /** What holds for a machine; a token of another broker may name a tenant or machine that is not here. */
  effective(of: { tenant?: string | undefined; vm?: string | undefined }): Promise<EffectivePolicy>
  /** The same for all machines of a tenant, in one read. */
  ofTenant(tenant: string): Promise<(vm: string) => EffectivePolicy>
  /** One layer; empty when nothing was ever set. @throws ApiError `not-found` without that tenant or machine */
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
  const assertKnown = async (scope: PolicyScope): Promise<void> => {
    const [kind = '', id = ''] = scope.split(':')
    if (kind === 'provider') return
    const owner = await (kind === 'tenant' ? store.tenants.get(id) : store.vms.get(id))
    if (owner === undefined) throw notFound(kind, id)
  }

  return {
    async effective({ tenant, vm }) {
      const scopes: PolicyScope[] = ['provider']
      if (tenant !== undefined) scopes.push(`tenant:${tenant}`)
      if (vm !== undefined) scopes.push(`vm:${vm}`)
      return effectivePolicy(builtIn, (await store.policies.list(scopes)).map(toLayer))
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
      return body === undefined ? {} : parse({ scope, body })
    },
    async put(scope, body, askedBy) {
      await assertKnown(scope)
      const outcome = await store.policies.put(scope, JSON.stringify(body), clock.now())
      log.info('policy.changed', { scope, ...body, askedBy })
      return outcome
    },
  }
}

function toLayer(stored: StoredPolicy): PolicyLayer {
  return { source: stored.scope, ...parse(stored) }
}

/** What is stored was checked when it came; what cannot be read is no reason to let everybody in. */
function parse({ scope, body }: StoredPolicy): PolicyBody {
  try {
    return policyBody.parse(JSON.parse(body))
  } catch (error) {
    throw new BrokerError('ERR_STORE', `policy ${scope}: ${errorText(error)}`, { cause: error })
  }
}
