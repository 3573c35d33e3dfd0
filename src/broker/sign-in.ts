import { createReference, type Log, type Secret, Turns } from '../lib/index.ts'
import { MAX_USER_ID_LENGTH, type Store, type User } from '../store/index.ts'
import { addressKey, createAttemptLimit } from './attempt-limit.ts'
import type { Tally } from './audit/tally.ts'
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
/**
 * Half of libuv's four threads, in which the signatures of files are made as well: with sixteen hashes in front of it, a file
 * took eight seconds and more.
 */
const HASHES_AT_ONCE = 2
const SIGN_IN = { action: 'signIn', subject: '/sign-in' }

export interface SignInOptions {
  store: Store
  sessions: PortalSessions
  tally: Tally
  log: Log
  /** What password hashes cost, so that unknown users cost the same. */
  passwordCost: PasswordCost
}

/** Checks passwords, within limits per user and per address, and opens sessions. */
export function createSignIn({ store, sessions, tally, log, passwordCost }: SignInOptions) {
  const perUser = createAttemptLimit(ATTEMPTS_PER_USER, WINDOW_SECONDS)
  const perAddress = createAttemptLimit(ATTEMPTS_PER_ADDRESS, WINDOW_SECONDS)
  const decoy = decoyPasswordHash(passwordCost)
  const hashing = new Turns(HASHES_AT_ONCE)
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
    const { known, fits } = await findUser(userId, password)
    if (known === undefined || !fits) return refuse('unauthorized', remoteAddress, known)
    // The address keeps its other attempts: one good account must not buy guesses at the rest.
    await Promise.all([perUser.forgive(userId), perAddress.giveBack(address)])
    const opened = await sessions.open(known)
    // Disabled since its password was looked at, which takes a while, or given another one.
    if (opened === undefined) return refuse('unauthorized', remoteAddress, known)
    await tally.record({
      ...{ actor: `user:${known.id}`, ...SIGN_IN, outcome: 'done' },
      details: { remoteAddress },
    })
    log.info('auth.signed-in', { user: known.id, tenant: known.tenant, remoteAddress })
    return { ok: true, ...opened }
  }

  async function findUser(
    userId: string,
    password: Secret,
  ): Promise<{ known: User | undefined; fits: boolean }> {
    pending += 1
    try {
      const known = await store.users.get(userId)
      const hash = known?.passwordHash ?? decoy
      const fits = await hashing.take(() => verifyPassword(password, hash))
      return { known, fits: fits && known?.disabled === false }
    } finally {
      pending -= 1
    }
  }

  function refuse(code: 'unauthorized' | 'rate-limited', remoteAddress: string, known?: User) {
    const ref = createReference()
    // Not the name that was typed, unless it is somebody's: people type passwords into that field.
    const details = known === undefined ? {} : { details: { user: known.id } }
    const actor = `address:${addressKey(remoteAddress)}`
    tally.refused({ actor, ...SIGN_IN, outcome: code, ref, ...details })
    const fields = { code, ref, remoteAddress, method: 'password' }
    // Past the limit a line per attempt would only fill the disk.
    if (code === 'rate-limited') log.debug('auth.failed', fields)
    else log.warn('auth.failed', fields)
    return { ok: false, code, ref } as const
  }
}
