import type { EffectivePolicy } from '../policy/index.ts'
import type { Grant, Store, VmPlacement } from '../store/index.ts'
import { consoleAccess } from './console-access.ts'
import { termsOf, type WantedTerms } from './console-terms.ts'
import { ApiError, notFound } from './errors.ts'
import { createGatewayTokenMint, type GatewayTokenMint } from './gateway-tokens.ts'
import {
  type MintOptions,
  type MintRequest,
  mintConsole,
  type OpenedConsole,
} from './mint-console.ts'
import type { MintGate } from './mint-limits.ts'
import type { Policies } from './policies.ts'
import type { RevocationKeeper } from './revocation-keeper.ts'

export interface ConsoleRequest extends WantedTerms, MintRequest {
  vm: string
  /** The machine must be this tenant's, when given. */
  tenant?: string
  /** The caller may mint for these tenants only, when given. */
  tenants?: readonly string[] | undefined
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

export interface ConsoleOptions extends MintOptions {
  store: Store
  revocations: RevocationKeeper
  policies: Pick<Policies, 'effective'>
  gate: MintGate
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
  const order = { request, placement, kind: access.kind, policy, terms }
  return gate.admit({ tenant: tenant.id, user: request.user }, () =>
    mintConsole(options, tokens, order),
  )
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
