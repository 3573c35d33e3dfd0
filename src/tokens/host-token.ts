import { z } from 'zod'
import {
  guid,
  identifier,
  isShortLived,
  LIFE_FAULT,
  reconnectWindow,
  registeredClaims,
} from './claims.ts'
import type { JwsFormat } from './compact-jws.ts'

/**
 * Claims of a host token; `aud` is the host's id as the inventory spells it, so that a token for a VM on
 * one host is of no use on another after a migration. `jti`, `exp` and `rcw` are those of the gateway
 * token it was minted with.
 */
const hostClaims = z
  .strictObject({
    ...registeredClaims,
    /** Inventory id of the VM. */
    vm: identifier,
    /** VM GUID: the one in the preconnection blob that carries the token. */
    vmg: guid,
    rcw: reconnectWindow.exactOptional(),
  })
  .refine(isShortLived, LIFE_FAULT)

export type HostClaims = z.infer<typeof hostClaims>

/** What a host agent admits. */
export const HOST_TOKEN: JwsFormat<HostClaims> = {
  typ: 'cht+jwt',
  purpose: 'host',
  claims: hostClaims,
}
