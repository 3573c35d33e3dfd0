import {
  type Clock,
  createReference,
  createUuid,
  formatEndpoint,
  type Log,
  nowSeconds,
  type Secret,
} from '../lib/index.ts'
import type { EffectivePolicy } from '../policy/index.ts'
import {
  type ConsoleKind,
  consoleFileName,
  type Publisher,
  renderConsoleFile,
} from '../rdpfile/index.ts'
import type { Grant, Store, VmPlacement } from '../store/index.ts'
import { type GatewayClaims, type Issuer, renderPreconnectionText } from '../tokens/index.ts'
import type { Audit } from './audit/audit.ts'
import type { AuditEntry } from './audit/chain.ts'
import type { ConsoleTerms } from './console-terms.ts'
import type { GatewayTokenMint, MintedToken } from './gateway-tokens.ts'
import { consoleTarget } from './host-names.ts'
import type { Signer } from './issuers.ts'
import type { BrokerCounts } from './metrics.ts'
import { signFile } from './sign-file.ts'

/** What tokens and files say of the farm. */
export interface Farm {
  /** Label and audience, 3 to 24 letters and digits; compared in lower case. */
  name: string
  /** `host:port` that clients dial. */
  address: string
}

/** Whoever a console is for, and who asked for it. */
export interface MintRequest {
  /** The token's subject, whose consoles are counted; absent: who asks, and nobody's are. */
  user?: string
  /** Where the request came from; kept with the grant. */
  clientAddress?: string
  /** Address or prefix that the token is bound to. */
  boundTo?: string
  /** `key:ID` or `user:ID`, for log and audit. */
  askedBy: string
}

/** A console that is allowed, before its token is minted. */
export interface ConsoleOrder {
  request: MintRequest
  placement: VmPlacement
  kind: ConsoleKind
  policy: EffectivePolicy
  terms: ConsoleTerms
}

export interface OpenedConsole {
  grant: Grant
  gatewayToken: Secret
  /** For hosts that verify a token of their own. */
  hostToken?: Secret
  gatewayAddress: string
  rdp: Uint8Array
}

export interface MintOptions {
  store: Pick<Store, 'grants'>
  /** Every mint leaves a record, whoever asked for it. */
  audit: Pick<Audit, 'record'>
  signer: Signer
  /** `iss` of the tokens: which broker signed. */
  brokerName: string
  /** Signs the files; undefined: they stay unsigned. */
  publisher: Publisher | undefined
  farm: Farm
  counts: BrokerCounts
  clock: Clock
  log: Log
}

/**
 * Signs the tokens, renders and signs the file, and keeps the grant with its record before anybody has them.
 *
 * @throws ApiError `unavailable` when the file can't be signed; what {@link GatewayTokenMint.mint} throws
 */
export async function mintConsole(
  options: MintOptions,
  tokens: GatewayTokenMint,
  order: ConsoleOrder,
): Promise<OpenedConsole> {
  const { store, audit, signer, publisher, farm, counts, clock, log } = options
  const { request, placement, terms } = order
  const issuer = signer.current
  const claims = claimsOf(options, order)
  const minted = await tokens.mint(issuer, claims, terms)
  const hostToken = await mintHostToken(issuer, claims, placement)

  const { gatewayToken } = minted
  const grant = grantOf({ claims, minted, issuer, placement, request }, clock.now())
  const file = fileOf(order, { claims, gatewayToken, hostToken, gatewayAddress: farm.address })
  const rdp = await signFile(file, publisher, clock)
  // In this order one commit keeps both.
  await Promise.all([audit.record(toEntry(grant, request)), store.grants.insert(grant)])
  const { tokenFormat } = terms
  counts.minted(tokenFormat)
  const { ref, jti, tenant, vm, host, user, clientAddress: remoteAddress, expiresAtMs } = grant
  const expiresAt = new Date(expiresAtMs).toISOString()
  log.info('console.minted', {
    ...{ ref, jti, tokenFormat, tenant, vm, host, user },
    ...{ askedBy: request.askedBy, remoteAddress, expiresAt },
  })
  return {
    ...{ grant, gatewayToken, gatewayAddress: farm.address, rdp },
    ...(hostToken === undefined ? {} : { hostToken }),
  }
}

function claimsOf(
  { brokerName, farm, clock }: MintOptions,
  { request, placement, terms }: ConsoleOrder,
): GatewayClaims {
  const { vm, host, tenant } = placement
  const iat = nowSeconds(clock)
  return {
    iss: brokerName,
    aud: farm.name.toLowerCase(),
    jti: createUuid(clock.now()),
    iat,
    nbf: iat,
    exp: iat + terms.lifetimeSeconds,
    tid: tenant.id,
    sub: request.user ?? request.askedBy,
    vm: vm.id,
    knd: host.kind,
    dst: formatEndpoint(consoleTarget(placement)),
    ...(vm.guid === undefined ? {} : { vmg: vm.guid }),
    ...(request.boundTo === undefined ? {} : { cip: request.boundTo }),
    ...terms.limits,
  }
}

interface GrantParts extends Pick<ConsoleOrder, 'placement' | 'request'> {
  claims: GatewayClaims
  minted: MintedToken
  issuer: Issuer
}

function grantOf(
  { claims, minted: { jti, exp }, issuer, placement, request }: GrantParts,
  nowMs: number,
): Grant {
  const { vm, host, tenant } = placement
  const ref = createReference()
  return {
    id: createUuid(nowMs),
    ref,
    jti,
    vm: vm.id,
    host: host.id,
    tenant: tenant.id,
    user: claims.sub,
    destination: claims.dst,
    issuerThumbprint: issuer.certificate.sha256Thumbprint,
    fileName: consoleFileName(vm.name, ref),
    ...(request.clientAddress === undefined ? {} : { clientAddress: request.clientAddress }),
    createdAtMs: nowMs,
    expiresAtMs: exp * 1000,
  }
}

interface FileParts extends Pick<OpenedConsole, 'gatewayToken' | 'gatewayAddress'> {
  claims: GatewayClaims
  hostToken: Secret | undefined
}

function fileOf(
  { kind, placement, policy, terms }: ConsoleOrder,
  { claims, gatewayToken, hostToken, gatewayAddress }: FileParts,
): Uint8Array {
  const { host } = placement
  return renderConsoleFile({
    ...consoleTarget(placement),
    ...{ kind, gatewayAddress, gatewayToken },
    ...(claims.vmg === undefined ? {} : { vmg: claims.vmg }),
    ...preconnectionText(claims, hostToken),
    enhancedMode: host.consoleMode === 'enhanced',
    networkLevelAuthentication: host.nla !== 'off',
    reconnect: terms.tokenFormat === 'native' && claims.rcw !== undefined,
    redirect: policy.redirect.value,
  })
}

/** The same grant in the words of a host agent: its own host is the audience, the machine's GUID what it opens. */
async function mintHostToken(
  issuer: Issuer,
  { iss, jti, iat, nbf, exp, vm, vmg, rcw }: GatewayClaims,
  { host }: VmPlacement,
): Promise<Secret | undefined> {
  if (host.kind !== 'agent' || vmg === undefined) return undefined
  return issuer.signHost({
    ...{ iss, aud: host.id, jti, iat, nbf, exp, vm, vmg },
    ...(rcw === undefined ? {} : { rcw }),
  })
}

function preconnectionText({ vmg }: GatewayClaims, hostToken: Secret | undefined) {
  if (vmg === undefined || hostToken === undefined) return {}
  return { preconnectionText: renderPreconnectionText({ vmGuid: vmg, hostToken }) }
}

function toEntry(grant: Grant, { askedBy }: MintRequest): AuditEntry {
  const { id, ref, jti, vm, host, tenant, user, clientAddress, expiresAtMs } = grant
  const expiresAt = new Date(expiresAtMs).toISOString()
  return {
    actor: askedBy,
    action: 'openConsole',
    subject: `/v1/consoles/${id}`,
    outcome: 'done',
    ref,
    details: JSON.stringify({ vm, tenant, user, host, jti, clientAddress, expiresAt }),
  }
}
