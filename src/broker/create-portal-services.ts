import type { Log } from '../lib/index.ts'
import type { EffectivePolicy } from '../policy/index.ts'
import type { Store, VmPlacement } from '../store/index.ts'
import type { Tally } from './audit/tally.ts'
import { consoleAccess } from './console-access.ts'
import { preferredLifetime } from './console-terms.ts'
import type { Consoles } from './consoles.ts'
import { causeText, toApiError } from './errors.ts'
import type { HostProbes } from './host-probes.ts'
import type { HostStanding } from './host-standing.ts'
import { TooManyOpenFiles } from './mint-limits.ts'
import { PASSWORD_COST, type PasswordCost } from './passwords.ts'
import type { Policies } from './policies.ts'
import type {
  OpenConsoleInput,
  OpenConsoleResult,
  PortalServices,
  Session,
  VmSummary,
} from './portal-services.ts'
import type { PortalSessions } from './portal-sessions.ts'
import { createSignIn } from './sign-in.ts'

/** A client's own dialogs come first, so a file from the portal lives longer than one from the API. */
const PORTAL_LIFETIME_SECONDS = 120

export interface PortalServicesOptions {
  store: Store
  sessions: PortalSessions
  consoles: Consoles
  policies: Pick<Policies, 'ofTenant'>
  probes: Pick<HostProbes, 'standings'>
  /** Where sign-ins, sign-outs and refused consoles are recorded. */
  tally: Tally
  log: Log
  /** Default: what new password hashes cost. */
  passwordCost?: PasswordCost
}

export function createPortalServices(options: PortalServicesOptions): PortalServices {
  const { store, sessions, policies, probes, tally, log, passwordCost = PASSWORD_COST } = options
  return {
    signIn: createSignIn({ store, sessions, tally, log, passwordCost }),
    readSession: (sessionToken) => sessions.read(sessionToken),
    async signOut(sessionToken) {
      const user = await sessions.close(sessionToken)
      if (user === undefined) return
      const what = { action: 'signOut', subject: '/sign-out', outcome: 'done' }
      await tally.record({ actor: `user:${user}`, ...what })
    },
    async listVms({ tenant }) {
      if (tenant === undefined) return []
      const placements = await store.vms.listPlacements(tenant.id)
      const policyOf = await policies.ofTenant(tenant.id)
      const standings = await probes.standings(placements.map(({ host }) => host))
      return placements.sort(byName).map((placement) => ({
        ...summarize(placement, policyOf(placement.vm.id)),
        ...troubleOf(placement, standings.get(placement.host.id)),
      }))
    },
    openConsole: (session, input) => openConsole(options, session, input),
  }
}

async function openConsole(
  { consoles, tally, log }: PortalServicesOptions,
  session: Session,
  { vm, clientAddress }: OpenConsoleInput,
): Promise<OpenConsoleResult> {
  // Kept, but the token is not bound to it: the RDP client may come over the other IP version.
  const from = { askedBy: `user:${session.user}`, clientAddress }
  try {
    const { grant, rdp } = await consoles.open({
      vm,
      // Nobody's: a user without a tenant has no machines.
      tenant: session.tenant?.id ?? '',
      user: session.user,
      preferredTtlSeconds: PORTAL_LIFETIME_SECONDS,
      ...from,
    })
    const { ref, fileName, expiresAtMs } = grant
    const sent = () => consoles.fetched(grant, from)
    return { ok: true, ref, fileName, rdp, expiresAt: new Date(expiresAtMs), sent }
  } catch (thrown) {
    const error = toApiError(thrown)
    const { status, problem: code, message: detail, ref, retryAfterSeconds } = error
    // What it was for stands in the log and in `why`, by the reference.
    const what = { action: 'openConsole', subject: '/console', outcome: code }
    tally.refused({ actor: from.askedBy, ...what, ref })
    if (status >= 500) log.error('request.failed', { code, ref, status, error: causeText(error) })
    return {
      ...{ ok: false, status, code, detail, ref },
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      ...(error instanceof TooManyOpenFiles ? { openFiles: error.openFiles } : {}),
    }
  }
}

const names = new Intl.Collator('en', { numeric: true })

function byName({ vm: one }: VmPlacement, { vm: other }: VmPlacement): number {
  return names.compare(one.name, other.name) || names.compare(one.id, other.id)
}

function summarize(placement: VmPlacement, policy: EffectivePolicy): VmSummary {
  const { id, name } = placement.vm
  const { kind } = placement.host
  const access = consoleAccess(placement, policy)
  if (access.available) {
    const fileLifetimeSeconds = preferredLifetime(policy, PORTAL_LIFETIME_SECONDS)
    return { id, name, kind, consoleAvailable: true, fileLifetimeSeconds }
  }
  return { id, name, kind, consoleAvailable: false, unavailableReason: access.reason }
}

/** What is known of the host says nothing of a machine with an address or a port of its own. */
function troubleOf(
  { vm, host }: VmPlacement,
  standing: HostStanding | undefined,
): Pick<VmSummary, 'hostTrouble'> {
  const isItsOwn = vm.address !== undefined || vm.port !== undefined
  if (isItsOwn || !host.consoleAllow || standing?.reason === undefined) return {}
  return { hostTrouble: standing.reason }
}
