import { createReference, type Log, type Secret } from '../lib/index.ts'
import { MAX_USER_ID_LENGTH, type Store, type User } from '../store/index.ts'
import { addressKey, createAttemptLimit } from './attempt-limit.ts'
import {
  decoyPasswordHash,
  MAX_PASSWORD_LENGTH,
  type PasswordCost,
  verifyPassword,
} from './passwords.ts'
import type { SignInInput, SignInResult } from './portal-services.ts'
import type { PortalSessions } from './portal-sessions.ts'

const WINDOW_SECONDS = 15 * 60
const ATTEMPTS_PER_USER = 10
/** Several people may share an address. */
const ATTEMPTS_PER_ADDRESS = 50
/** Each pending sign-in is a password hash waiting for a thread: past this, the queue is the attack. */
const MAX_PENDING = 16
const BUSY_RETRY_SECONDS = 2

export interface SignInOptions {
  store: Store
  sessions: PortalSessions
  log: Log
  /** What password hashes cost, so that unknown users cost the same. */
  passwordCost: PasswordCost
}

/** Checks passwords, within limits per user and per address, and opens sessions. */
export function createSignIn({ store, sessions, log, passwordCost }: SignInOptions) {
  const perUser = createAttemptLimit(ATTEMPTS_PER_USER, WINDOW_SECONDS)
  const perAddress = createAttemptLimit(ATTEMPTS_PER_ADDRESS, WINDOW_SECONDS)
  const decoy = decoyPasswordHash(passwordCost)
  let pending = 0

  return async ({ user, password, remoteAddress }: SignInInput): Promise<SignInResult> => {
    const userId = user.slice(0, MAX_USER_ID_LENGTH)
    const address = addressKey(remoteAddress)
    // Counted before the password is looked at, so that parallel guesses count as well.
    const retryAfterSeconds =
      pending >= MAX_PENDING
        ? BUSY_RETRY_SECONDS
        : ((await perAddress.take(address)) ?? (await perUser.take(userId)))
    if (retryAfterSeconds !== undefined) {
      return { ...refuse('rate-limited', remoteAddress), retryAfterSeconds }
    }
    if (user !== userId || password.length > MAX_PASSWORD_LENGTH) {
      return refuse('unauthorized', remoteAddress)
    }
    const known = await findUser(userId, password)
    if (known === undefined) return refuse('unauthorized', remoteAddress)
    // The address keeps its other attempts: one good account must not buy guesses at the rest.
    await Promise.all([perUser.forgive(userId), perAddress.giveBack(address)])
    const opened = await sessions.open(known.id)
    // Disabled since its password was looked at.
    if (opened === undefined) return refuse('unauthorized', remoteAddress)
    log.info('auth.signed-in', { user: known.id, tenant: known.tenant, remoteAddress })
    return { ok: true, ...opened }
  }

  async function findUser(userId: string, password: Secret): Promise<User | undefined> {
    pending += 1
    try {
      const user = await store.users.get(userId)
      const fits = await verifyPassword(password, user?.passwordHash ?? decoy)
      return fits && user?.disabled === false ? user : undefined
    } finally {
      pending -= 1
    }
  }

  function refuse(code: 'unauthorized' | 'rate-limited', remoteAddress: string) {
    const ref = createReference()
    // Not the name that was typed: people type passwords into that field.
    const fields = { code, ref, remoteAddress, method: 'password' }
    // Past the limit a line per attempt would only fill the disk.
    if (code === 'rate-limited') log.debug('auth.failed', fields)
    else log.warn('auth.failed', fields)
    return { ok: false, code, ref } as const
  }
}
