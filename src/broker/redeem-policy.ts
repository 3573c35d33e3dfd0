import type { EffectivePolicy } from '../policy/index.ts'
import type { Store, VmPlacement } from '../store/index.ts'
import type { ClientBinding } from '../tokens/index.ts'
import { deniedBy } from './console-access.ts'
import type { Policies } from './policies.ts'
import { type Closed, goneSince, OF_ANOTHER_TENANT, type OwnedToken } from './whereabouts.ts'

/** What policy says of one presentation of a token, as of now: a change holds for tokens that are out as well. */
export interface RedeemPolicy {
  clientBinding: ClientBinding
  /** Sessions of the token's machine at a time; 0 for no limit. */
  maxSessions: number
  /** Why no session begins now, whatever was so when the token was minted; who was let in may go on. */
  closed?: Closed
  /** What the user has to agree to; absent for nothing. */
  consentText?: string
}

/** Its machines have no consoles, in whichever file they are named. */
export const HOST_CLOSED: Closed = {
  reason: 'host-not-opted-in',
  detail: 'host: the consoles of its machines are switched off',
}

export interface RedeemPolicyOptions {
  store: Pick<Store, 'grants' | 'vms'>
  policies: Pick<Policies, 'effective'>
}

export async function redeemPolicy(
  { store, policies }: RedeemPolicyOptions,
  token: OwnedToken,
): Promise<RedeemPolicy> {
  const { tid: tenant, vm } = token.claims
  const policy = await policies.effective({ tenant, vm })
  const { clientBinding, maxSessions, consentText } = policy
  const placement = vm === undefined ? undefined : await store.vms.getPlacement(vm)
  const closed = closedBy(placement, tenant, policy) ?? (await goneSince(store, token, placement))
  return {
    clientBinding: clientBinding.value,
    maxSessions: maxSessions.value,
    ...(closed === undefined ? {} : { closed }),
    ...(consentText.value === '' ? {} : { consentText: consentText.value }),
  }
}

/** A token of another broker may name a machine that is not here: its word counts. */
function closedBy(
  placement: VmPlacement | undefined,
  tenant: string | undefined,
  policy: EffectivePolicy,
): Closed | undefined {
  if (placement !== undefined && placement.tenant.id !== tenant) return OF_ANOTHER_TENANT
  if (placement?.host.consoleAllow === false) return HOST_CLOSED
  return closedByPolicy(policy)
}

/** A new session needs a policy that lets it, of which all could be read. */
export function closedByPolicy(policy: EffectivePolicy): Closed | undefined {
  const detail = deniedBy(policy)
  return detail === undefined ? undefined : { reason: 'policy-denied', detail }
}
