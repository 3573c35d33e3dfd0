import {
  type Clock,
  createReference,
  createUuid,
  formatEndpoint,
  type Log,
  nowSeconds,
  type Reason,
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
import { deniedBy } from './console-setting.ts'
import { type ConsoleTerms, termsOf, type WantedTerms } from './console-terms.ts'
import { ApiError, notFound } from './errors.ts'
import { createGatewayTokenMint, type GatewayTokenMint } from './gateway-tokens.ts'
import { consoleTarget } from './host-names.ts'
import type { Signer } from './issuers.ts'
import type { BrokerCounts } from './metrics.ts'
import type { MintGate } from './mint-limits.ts'
import type { Policies } from './policies.ts'
import type { RevocationKeeper } from './revocation-keeper.ts'
import { signFile } from './sign-file.ts'

/** What tokens and files say of the farm. */
export interface Farm {
  /** Label and audience, 3 to 24 letters and digits; compared in lower case. */
  name: string
  /** `host:port` that clients dial. */
  address: string
}

export interface ConsoleRequest extends WantedTerms {
  vm: string
  /** The machine must be this tenant's, when given. */
  tenant?: string
  /** The caller may mint for these tenants only, when given. */
  tenants?: readonly string[] | undefined
  /** The token's subject, whose consoles are counted; absent: who asks, and nobody's are. */
  user?: string
  /** Where the request came from; kept with the grant. */
  clientAddress?: string
  /** Address or prefix that the token is bound to. */
  boundTo?: string
  /** `key:ID` or `user:ID`, for log and audit. */
  askedBy: string
}

export interface OpenedConsole {
  grant: Grant
  gatewayToken: Secret
  /** For hosts that verify a token of their own. */
  hostToken?: Secret
  gatewayAddress: string
  rdp: Uint8Array
}

export interface Consoles {
  /**
   * Checks tenant, machine, host and policy, signs a token, renders and signs the file, keeps the grant.
   *
   * @throws ApiError `vm-unknown`, `host-not-opted-in`, `policy-denied`, `limit-reached` with as many sessions as
   *   policy allows, `rate-limited`, `unavailable` when the file can't be signed
   */
  open(request: ConsoleRequest): Promise<OpenedConsole>
  /** Its file has left for who asked: once, or oftener with an `Idempotency-Key`. */
  fetched(grant: Grant, by: Pick<ConsoleRequest, 'askedBy' | 'clientAddress'>): void
  /**
   * @param tenants what is of others is not there; absent: of all
   * @throws ApiError `not-found`
   */
  get(grantId: string, tenants?: readonly string[]): Promise<Grant>
  /**
   * Its token opens nothing any more, and its live sessions end. Revoking twice is no error.
   *
   * @throws ApiError `not-found`
   */
  revoke(grantId: string, askedBy: string): Promise<void>
}

export interface ConsoleOptions {
  store: Store
  /** Every mint leaves a record, whoever asked for it. */
  audit: Pick<Audit, 'record'>
  signer: Signer
  revocations: RevocationKeeper
  /** `iss` of the tokens: which broker signed. */
  brokerName: string
  /** Signs the files; undefined: they stay unsigned. */
  publisher: Publisher | undefined
  farm: Farm
  policies: Pick<Policies, 'effective'>
  gate: MintGate
  counts: BrokerCounts
  clock: Clock
  log: Log
}

export function createConsoles(options: ConsoleOptions): Consoles {
  const { store, revocations, counts, clock, log } = options
  const tokens = createGatewayTokenMint()

  return {
    async open(request) {
      try {
        return await open(options, tokens, request)
      } catch (error) {
        if (error instanceof ApiError) {
          const { vm, user, askedBy, clientAddress } = request
          const { problem: code, ref, message } = error
          counts.refused(code)
          // A client over its limit is not worth a line per request.
          log[code === 'rate-limited' ? 'debug' : 'warn']('console.refused', {
            code,
            ref,
            vm,
            user,
            askedBy,
            remoteAddress: clientAddress,
            error: message,
          })
        }
        throw error
      }
    },
    fetched({ ref, jti, tenant, vm, host, user }, { askedBy, clientAddress: remoteAddress }) {
      log.info('console.fetched', { ref, jti, tenant, vm, host, user, askedBy, remoteAddress })
    },
    async get(grantId, tenants) {
      const grant = await store.grants.get(grantId)
      if (grant === undefined || tenants?.includes(grant.tenant) === false) {
        throw notFound('console', grantId)
      }
      return grant
    },
    async revoke(grantId, askedBy) {
      const { jti, ref, expiresAtMs, revokedAtMs } = await this.get(grantId)
      if (revokedAtMs !== undefined) return
      // The grant is marked last: if anything fails before, the same call does it all again.
      await revocations.revoke({
        kind: 'jti',
        value: jti,
        expiresAtMs,
        endSessions: true,
        note: `console ${ref}`,
        askedBy,
      })
      await store.grants.revoke(grantId, clock.now())
    },
  }
}

/** What is known of a console before its token is minted. */
interface ConsoleOrder {
  tokens: GatewayTokenMint
  request: ConsoleRequest
  placement: VmPlacement
  kind: ConsoleKind
  policy: EffectivePolicy
  terms: ConsoleTerms
}

async function open(
  options: ConsoleOptions,
  tokens: GatewayTokenMint,
  request: ConsoleRequest,
): Promise<OpenedConsole> {
  const { store, policies, gate } = options
  const placement = await findPlacement(store, request)
  const { vm, tenant } = placement
  const policy = await policies.effective({ tenant: tenant.id, vm: vm.id })
  const access = consoleAccess(placement, policy)
  if (!access.available) throw new ApiError(access.reason, access.detail)
  const terms = termsOf(policy, request)
  await checkSessions(store, vm.id, policy)
  const order = { tokens, request, placement, kind: access.kind, policy, terms }
  return gate.admit({ tenant: tenant.id, user: request.user }, () => mint(options, order))
}

async function mint(
  { store, audit, signer, publisher, brokerName, farm, counts, clock, log }: ConsoleOptions,
  { tokens, request, placement, kind, policy, terms }: ConsoleOrder,
): Promise<OpenedConsole> {
  const { vm, host, tenant } = placement
  const target = consoleTarget(placement)

  const iat = nowSeconds(clock)
  const claims: GatewayClaims = {
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
    dst: formatEndpoint(target),
    ...(vm.guid === undefined ? {} : { vmg: vm.guid }),
    ...(request.boundTo === undefined ? {} : { cip: request.boundTo }),
    ...terms.limits,
  }
  const { tokenFormat } = terms
  const issuer = signer.current
  const { gatewayToken, jti, exp } = await tokens.mint(issuer, claims, terms)
  const hostToken = await mintHostToken(issuer, claims, placement)

  const ref = createReference()
  const createdAtMs = clock.now()
  const grant: Grant = {
    id: createUuid(createdAtMs),
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
    createdAtMs,
    expiresAtMs: exp * 1000,
  }
  const file = renderConsoleFile({
    ...target,
    kind,
    gatewayAddress: farm.address,
    gatewayToken,
    ...(claims.vmg === undefined ? {} : { vmg: claims.vmg }),
    ...preconnectionText(claims, hostToken),
    enhancedMode: host.consoleMode === 'enhanced',
    networkLevelAuthentication: host.nla !== 'off',
    reconnect: tokenFormat === 'native' && claims.rcw !== undefined,
    redirect: policy.redirect.value,
  })
  const rdp = await signFile(file, publisher, clock)
  // In this order one commit keeps both.
  await Promise.all([audit.record(toEntry(grant, request)), store.grants.insert(grant)])
  counts.minted(tokenFormat)
  log.info('console.minted', {
    ref,
    jti: grant.jti,
    tokenFormat,
    tenant: tenant.id,
    vm: vm.id,
    host: host.id,
    user: grant.user,
    askedBy: request.askedBy,
    remoteAddress: grant.clientAddress,
    expiresAt: new Date(grant.expiresAtMs).toISOString(),
  })
  return {
    ...{ grant, gatewayToken, gatewayAddress: farm.address, rdp },
    ...(hostToken === undefined ? {} : { hostToken }),
  }
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

function toEntry(grant: Grant, { askedBy }: ConsoleRequest): AuditEntry {
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

/** Said before the file is out; what decides is the redeem, when the session would open. */
async function checkSessions(
  store: Store,
  vm: string,
  { maxSessions: { value, source } }: EffectivePolicy,
): Promise<void> {
  if (value === 0) return
  const open = await store.leases.countOfVm(vm)
  if (open < value) return
  const detail = `maxSessions: this machine has ${open} open, may have ${value} by ${source}.`
  throw new ApiError('limit-reached', detail, { status: 409 })
}

/** A foreign tenant's machine looks exactly like one that does not exist. */
async function findPlacement(store: Store, request: ConsoleRequest): Promise<VmPlacement> {
  const placement = await store.vms.getPlacement(request.vm)
  const { tenant, tenants } = request
  const owner = placement?.tenant.id
  const foreign =
    (tenant !== undefined && tenant !== owner) || tenants?.includes(owner ?? '') === false
  if (placement === undefined || foreign) {
    throw new ApiError('vm-unknown', `There is no machine "${request.vm}".`)
  }
  return placement
}

export type ConsoleAccess =
  | { available: true; kind: ConsoleKind }
  | { available: false; reason: Reason; detail: string }

/** Whether a file can open the machine's console now, and why not. */
export function consoleAccess({ vm, host }: VmPlacement, policy: EffectivePolicy): ConsoleAccess {
  if (!host.consoleAllow) {
    return unavailable(
      'host-not-opted-in',
      'Console access is not switched on for the host of this machine.',
    )
  }
  const denied = deniedBy(policy)
  if (denied !== undefined) return unavailable('policy-denied', `${denied}.`)
  switch (host.kind) {
    case 'rdp':
      return { available: true, kind: host.kind }
    case 'hyperv':
    case 'agent':
      return vm.guid === undefined
        ? unavailable('policy-denied', 'The GUID of this machine is not known.')
        : { available: true, kind: host.kind }
    case 'vnc':
      return unavailable('policy-denied', 'The console of this machine opens in a browser only.')
  }
}

function unavailable(reason: Reason, detail: string): ConsoleAccess {
  return { available: false, reason, detail }
}
