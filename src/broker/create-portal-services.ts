import { type Clock, createReference, type Log, type Secret } from '../lib/index.ts'
import { MAX_USER_ID_LENGTH, type Store, type User, type VmPlacement } from '../store/index.ts'
import { addressKey, createAttemptLimit } from './attempt-limit.ts'
import { type Consoles, consoleAccess } from './consoles.ts'
import { toApiError } from './errors.ts'
import { decoyPasswordHash, PASSWORD_COST, type PasswordCost, verifyPassword } from './passwords.ts'
import type {
  OpenConsoleInput,
  OpenConsoleResult,
  PortalServices,
  Session,
  SignInInput,
  SignInResult,
  VmSummary,
} from './portal-services.ts'
import { createPortalSessions } from './portal-sessions.ts'

const WINDOW_SECONDS = 15 * 60
const SIGN_INS_PER_USER = 10
/** Several people may share an address. */
const SIGN_INS_PER_ADDRESS = 50
/** Each pending sign-in is a password hash waiting for a thread: past this, the queue is the attack. */
const MAX_PENDING_SIGN_INS = 16
const BUSY_RETRY_SECONDS = 2
/** Nobody types more; hashing time must not be the client's choice. */
const MAX_PASSWORD_LENGTH = 1024

export interface PortalServicesOptions {
  store: Store
  consoles: Consoles
  /** How long the portal's files may be opened. */
  fileLifetimeSeconds: number
  clock: Clock
  log: Log
  /** What new password hashes cost, so that unknown users cost the same. */
  passwordCost?: PasswordCost
}

export function createPortalServices(options: PortalServicesOptions): PortalServices {
  const { store, consoles, fileLifetimeSeconds, clock, log, passwordCost = PASSWORD_COST } = options
  const sessions = createPortalSessions(store, clock)
  const perUser = createAttemptLimit(SIGN_INS_PER_USER, WINDOW_SECONDS)
  const perAddress = createAttemptLimit(SIGN_INS_PER_ADDRESS, WINDOW_SECONDS)
  const decoy = decoyPasswordHash(passwordCost)
  let pendingSignIns = 0

  /** The attempt is counted before the password is looked at: parallel guesses count as well. */
  async function takeAttempt(userKey: string, remoteAddress: string): Promise<number | undefined> {
    if (pendingSignIns >= MAX_PENDING_SIGN_INS) return BUSY_RETRY_SECONDS
    const address = await perAddress.take(addressKey(remoteAddress))
    return address ?? perUser.take(userKey)
  }

  async function findUser(userId: string, password: Secret): Promise<User | undefined> {
    pendingSignIns += 1
    try {
      const user = await store.users.get(userId)
      const fits = await verifyPassword(password, user?.passwordHash ?? decoy)
      return fits ? user : undefined
    } finally {
      pendingSignIns -= 1
    }
  }

  function refuse(
    code: 'unauthorized' | 'rate-limited',
    remoteAddress: string,
    retryAfterSeconds?: number,
  ): SignInResult {
    const ref = createReference()
    // Not the name that was typed: people type passwords into that field.
    log.warn('auth.failed', { code, ref, remoteAddress, method: 'password' })
    return {
      ok: false,
      code,
      ref,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    }
  }

  async function signIn({ user, password, remoteAddress }: SignInInput): Promise<SignInResult> {
    const userId = user.slice(0, MAX_USER_ID_LENGTH)
    const retryAfterSeconds = await takeAttempt(userId, remoteAddress)
    if (retryAfterSeconds !== undefined) {
      return refuse('rate-limited', remoteAddress, retryAfterSeconds)
    }
    if (user !== userId || password.length > MAX_PASSWORD_LENGTH) {
      return refuse('unauthorized', remoteAddress)
    }
    const known = await findUser(userId, password)
    if (known === undefined) return refuse('unauthorized', remoteAddress)
    await Promise.all([perUser.forgive(userId), perAddress.giveBack(addressKey(remoteAddress))])
    log.info('auth.signed-in', { user: known.id, tenant: known.tenant, remoteAddress })
    return { ok: true, ...(await sessions.open(known.id)) }
  }

  async function openConsole(
    session: Session,
    { vm, clientAddress }: OpenConsoleInput,
  ): Promise<OpenConsoleResult> {
    try {
      const { grant, rdp } = await consoles.open({
        vm,
        // Nobody's: a user without a tenant has no machines.
        tenant: session.tenant?.id ?? '',
        user: session.user,
        ttlSeconds: fileLifetimeSeconds,
        // Not bound to the browser's address: the RDP client may well come over the other IP version.
        clientAddress,
        askedBy: 'portal',
      })
      const { ref, fileName, expiresAtMs } = grant
      return { ok: true, ref, fileName, rdp, expiresAt: new Date(expiresAtMs) }
    } catch (thrown) {
      const { status, problem: code, message: detail, ref, cause } = toApiError(thrown)
      if (status >= 500) log.error('request.failed', { code, ref, status, error: String(cause) })
      return { ok: false, status, code, detail, ref }
    }
  }

  return {
    signIn,
    openConsole,
    readSession: (sessionToken) => sessions.read(sessionToken),
    signOut: (sessionToken) => sessions.close(sessionToken),
    async listVms({ tenant }) {
      if (tenant === undefined) return []
      return (await store.vms.listPlacements(tenant.id)).map(summarize)
    },
  }
}

function summarize(placement: VmPlacement): VmSummary {
  const { id, name } = placement.vm
  const { kind } = placement.host
  const access = consoleAccess(placement)
  if (access.available) return { id, name, kind, consoleAvailable: true }
  return { id, name, kind, consoleAvailable: false, unavailableReason: access.reason }
}
