import type { PolicyBody } from '../../policy/index.ts'
import type { PolicyScope, Store } from '../../store/index.ts'
import { notFound } from '../errors.ts'
import type { Policies } from '../policies.ts'
import {
  effectivePolicyShape,
  effectiveQuery,
  policyLayerBody,
  policyLayerShape,
} from '../policy-schemas.ts'
import { type Answer, defineRoute, type Route } from '../route.ts'

/** The layers of policy, and what comes of them for a machine. */
export function policyRoutes(policies: Policies, store: Store): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/policy/effective',
      operationId: 'getEffectivePolicy',
      summary: 'What holds for a machine: each value, where it comes from, whether it is enforced',
      access: 'inventory.read',
      query: effectiveQuery,
      answers: {
        '200': {
          description: 'The effective policy.',
          content: { 'application/json': { schema: effectivePolicyShape } },
        },
      },
      async handle({ query: { vm } }) {
        const placement = await store.vms.getPlacement(vm)
        if (placement === undefined) throw notFound('vm', vm)
        const tenant = placement.tenant.id
        const values = await policies.effective({ tenant, vm })
        return { status: 200, body: { vm, tenant, values } }
      },
    }),
    ...layerRoutes(policies, {
      path: '/v1/policy/provider',
      name: 'ProviderPolicy',
      whose: 'everybody',
      scopeOf: () => 'provider',
    }),
    ...layerRoutes(policies, {
      path: '/v1/policy/tenants/{id}',
      name: 'TenantPolicy',
      whose: 'one tenant',
      scopeOf: (id) => `tenant:${id}`,
    }),
    ...layerRoutes(policies, {
      path: '/v1/policy/vms/{id}',
      name: 'VmPolicy',
      whose: 'one machine',
      scopeOf: (id) => `vm:${id}`,
    }),
  ]
}

interface Layer {
  path: string
  /** For the operations. */
  name: string
  whose: string
  scopeOf(id: string): PolicyScope
}

function layerRoutes(policies: Policies, { path, name, whose, scopeOf }: Layer): Route[] {
  const content = { 'application/json': { schema: policyLayerShape } }
  return [
    defineRoute({
      method: 'get',
      path,
      operationId: `get${name}`,
      summary: `What is set for ${whose}`,
      access: 'inventory.read',
      answers: { '200': { description: 'The layer; empty when nothing is set.', content } },
      handle: async ({ id }) => answer(200, await policies.get(scopeOf(id))),
    }),
    defineRoute({
      method: 'put',
      path,
      operationId: `put${name}`,
      summary: `Set defaults and enforced values for ${whose}; what is left out is set no more`,
      access: 'inventory.write',
      body: policyLayerBody,
      answers: {
        '200': { description: 'It is replaced.', content },
        '201': { description: 'It is created.', content },
      },
      async handle({ id, body, caller }) {
        const outcome = await policies.put(scopeOf(id), body, caller.name)
        return answer(outcome === 'created' ? 201 : 200, body)
      },
    }),
  ]
}

function answer(status: number, { default: defaults = {}, enforce = {} }: PolicyBody): Answer {
  return { status, body: { default: defaults, enforce } }
}
