import type { Clock, Log } from '../lib/index.ts'
import type { PutOutcome, Store, User } from '../store/index.ts'
import { hashPassword, type PasswordCost } from './passwords.ts'
import type { UserBody } from './user-schemas.ts'
import { invalid } from './validate.ts'

/** The portal's users, as the provider keeps them. */
export interface Users {
  /**
   * Creates one, or replaces all of it but a password that is left out. Who is disabled or gets another password has to
   * sign in again.
   *
   * @throws ApiError `validation-failed` for a tenant that is not there, or a new user without a password
   */
  put(id: string, body: UserBody, askedBy: string): Promise<PutOutcome>
}

export interface UserOptions {
  store: Store
  passwordCost: PasswordCost
  clock: Clock
  log: Log
}

export function createUsers({ store, passwordCost, clock, log }: UserOptions): Users {
  return {
    async put(id, { tenant, password, disabled = false }, askedBy) {
      if (tenant !== undefined && (await store.tenants.get(tenant)) === undefined) {
        throw invalid([{ field: 'tenant', message: 'there is no such tenant' }])
      }
      const hash = password === undefined ? undefined : await hashPassword(password, passwordCost)
      const known = await store.users.get(id)
      const passwordHash = hash ?? known?.passwordHash
      if (passwordHash === undefined) {
        throw invalid([{ field: 'password', message: 'needed for a new user' }])
      }
      const user: User = {
        id,
        ...(tenant === undefined ? {} : { tenant }),
        disabled,
        passwordHash,
      }
      const outcome = await store.users.put(user, clock.now())
      const ended = disabled || hash !== undefined ? await store.sessions.deleteOfUser(id) : 0
      const newPassword = hash !== undefined
      log.info('user.changed', { user: id, tenant, disabled, newPassword, ended, askedBy })
      return outcome
    },
  }
}
