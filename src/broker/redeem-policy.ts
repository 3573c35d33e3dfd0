import type { Store } from '../store/index.ts'
import type { AnyVerifiedToken, ClientBinding } from '../tokens/index.ts'
import type { Policies } from './policies.ts'

/** What policy says of one presentation of a token, as of now: a change holds for tokens that are out as well. */
export interface RedeemPolicy {
  clientBinding: ClientBinding
  /** Sessions of the token's machine at a time; 0 for no limit. */
  maxSessions: number
  /** The machine's host may have been switched off since the token was minted. */
  hostAllowed: boolean
  /** What the user has to agree to; absent for nothing. */
  consentText?: string
}

export interface RedeemPolicyOptions {
  store: Pick<Store, 'grants' | 'vms'>
  policies: Pick<Policies, 'effective'>
}

export async function redeemPolicy(
  { store, policies }: RedeemPolicyOptions,
  { vmUnbound, claims }: AnyVerifiedToken,
): Promise<RedeemPolicy> {
  // A FedAuth token says nothing of tenant and machine; what was asked for when it was minted does.
  const grant = vmUnbound ? await store.grants.findByJti(claims.jti) : undefined
  const of = grant ?? { tenant: claims.tid, vm: claims.vm }
  const { clientBinding, maxSessions, consentText } = await policies.effective(of)
  const placement = of.vm === undefined ? undefined : await store.vms.getPlacement(of.vm)
  return {
    clientBinding: clientBinding.value,
    maxSessions: maxSessions.value,
    // A token of another broker may name a machine that is not here: its word counts.
    hostAllowed: placement?.host.consoleAllow ?? true,
    ...(consentText.value === '' ? {} : { consentText: consentText.value }),
  }
}
