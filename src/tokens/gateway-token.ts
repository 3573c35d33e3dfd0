import { z } from 'zod'
import { parseEndpoint } from '../lib/index.ts'
import {
  guid,
  identifier,
  isShortLived,
  LIFE_FAULT,
  reconnectWindow,
  registeredClaims,
} from './claims.ts'
import { isAddressOrPrefix } from './client-address.ts'
import type { JwsFormat } from './compact-jws.ts'

/**
 * Claims of a gateway token; `aud` is the farm's name in lower case. Unknown claims are refused, not
 * ignored: each optional claim narrows what the token allows, so a verifier that skips one it doesn't know
 * would allow more than was signed.
 */
const gatewayClaims = z
  .strictObject({
    ...registeredClaims,
    /** Tenant id. */
    tid: identifier,
    /** User id. */
    sub: identifier,
    /** Inventory id of the VM. */
    vm: identifier,
    /** Host kind. */
    knd: z.enum(['rdp', 'hyperv', 'agent', 'vnc']),
    /** `host:port` as written in the `.rdp` file. */
    dst: z
      .string()
      .max(260)
      .refine((text) => parseEndpoint(text) !== undefined, 'need host:port'),
    /** VM GUID, for the kinds whose preconnection blob names one. */
    vmg: guid.exactOptional(),
    /** Client address or prefix. */
    cip: z
      .string()
      .max(64)
      .refine(isAddressOrPrefix, 'need an address or a prefix')
      .exactOptional(),
    /** Idle limit in minutes. */
    idl: z.int().min(1).max(1440).exactOptional(),
    /** Session limit in seconds. */
    max: z.int().min(1).max(2_592_000).exactOptional(),
    /** Redirection flags, HTTP_TUNNEL_REDIR ([MS-TSGU] 2.2.5.3.10). */
    rdr: z.int().min(0).max(0xffff_ffff).exactOptional(),
    rcw: reconnectWindow.exactOptional(),
  })
  .refine(isShortLived, LIFE_FAULT)
  .refine(({ knd, vmg }) => vmg !== undefined || (knd !== 'hyperv' && knd !== 'agent'), {
    path: ['vmg'],
    message: 'needed with this knd',
  })

export type GatewayClaims = z.infer<typeof gatewayClaims>
export type HostKind = GatewayClaims['knd']

/** What a gateway node admits. */
export const GATEWAY_TOKEN: JwsFormat<GatewayClaims> = {
  typ: 'cgt+jwt',
  purpose: 'gateway',
  claims: gatewayClaims,
}

/** The same of a laboratory's issuer, whose tokens open nothing but a node's echo host. */
export const LAB_TOKEN: JwsFormat<GatewayClaims> = { ...GATEWAY_TOKEN, purpose: 'lab' }
