import { formatEndpoint, type Reason } from '../lib/index.ts'
import type { HostKind, Store, VmPlacement } from '../store/index.ts'
import type { HostClaims, Presentable } from '../tokens/index.ts'
import { consoleTarget } from './host-names.ts'
import { needsGuid } from './inventory-records.ts'

/** Why no session begins, though the token is good. */
export interface Closed {
  reason: Reason
  detail: string
}

/** A gateway token, and whose it is: a FedAuth token does not say that itself, its grant does. */
export interface OwnedToken {
  claims: Presentable['claims'] & { dst: string; knd: HostKind; vmg?: string | undefined }
  vmUnbound?: boolean
}

export const OF_ANOTHER_TENANT: Closed = {
  reason: 'vm-unknown',
  detail: "vm: the machine is another tenant's by now",
}
const DELETED: Closed = { reason: 'vm-unknown', detail: 'vm: the machine was deleted' }

/**
 * Why a gateway token's machine is not any more where the token says, if it was minted here; a token of another
 * broker may name anything, and its word counts. The grant is looked up only when something differs.
 */
export async function goneSince(
  { grants }: Pick<Store, 'grants'>,
  { claims, vmUnbound }: OwnedToken,
  placement: VmPlacement | undefined,
): Promise<Closed | undefined> {
  const { dst, knd, jti } = claims
  if (placement === undefined) return (await grants.findByJti(jti)) && DELETED
  const { vm, host } = placement
  const target = formatEndpoint(consoleTarget(placement))
  const isSame = vmUnbound === true || !needsGuid(host.kind) || vm.guid === claims.vmg
  if (isSame && host.kind === knd && target === dst.toLowerCase()) return undefined
  return (await grants.findByJti(jti)) && movedTo(`${target} (${host.kind}), token: ${dst}`)
}

/**
 * The same for a host token, which names host and machine, and no address.
 *
 * @param tenant whose it was when the token was minted here
 */
export function goneFromHost(
  { aud, vmg }: Pick<HostClaims, 'aud' | 'vmg'>,
  tenant: string,
  placement: VmPlacement | undefined,
): Closed | undefined {
  if (placement === undefined) return DELETED
  const { vm, host } = placement
  if (placement.tenant.id !== tenant) return OF_ANOTHER_TENANT
  return host.id === aud && vm.guid === vmg ? undefined : movedTo(`${host.id}, token: ${aud}`)
}

function movedTo(where: string): Closed {
  return { reason: 'target-mismatch', detail: `dst: the machine is at ${where}` }
}
