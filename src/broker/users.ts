import type { Clock, Log } from '../lib/index.ts'
import type { DeleteOutcome, PutOutcome, Store, User } from '../store/index.ts'
import { missing } from './errors.ts'
import { hashPassword, type PasswordCost } from './passwords.ts'
import { assertMayGive, type Caller, holderOf } from './rights.ts'
import type { UserBody } from './user-schemas.ts'
import { invalid } from './validate.ts'

/** The portal's users, as the provider keeps them. */
export interface Users {
  /**
   * Creates one, or replaces all of it but a password that is left out. Who is disabled or gets another password has to
   * sign in again; other roles hold from the next request on.
   *
   * @throws ApiError `validation-failed` for a tenant that is not there, or a new user without a password; `forbidden` for
   *   one who may, or shall, what the caller may not
   */
  put(id: string, body: UserBody, caller: Caller): Promise<PutOutcome>
  /** @throws ApiError `forbidden` for one who may what the caller may not */
  delete(id: string, caller: Caller): Promise<DeleteOutcome>
}

export interface UserOptions {
  store: Store
  passwordCost: PasswordCost
  clock: Clock
  log: Log
}

export function createUsers({ store, passwordCost, clock, log }: UserOptions): Users {
  /** Whoever sets a password can sign in with it, and whoever deletes a user can make another. */
  async function getBelow(caller: Caller, id: string): Promise<User | undefined> {
    const known = await store.users.get(id)
    if (known !== undefined) assertMayGive(caller, holderOf(known))
    return known
  }

  return {
    async put(id, { tenant, password, roles = [], disabled = false }, caller) {
      if (tenant !== undefined && roles.length > 0) {
        throw invalid([{ field: 'roles', message: 'for users without a tenant only' }])
      }
      if (tenant !== undefined && (await store.tenants.get(tenant)) === undefined) {
        throw invalid([missing('tenant', 'tenant', tenant)])
      }
      const wanted = { ...(tenant === undefined ? {} : { tenant }), roles }
      assertMayGive(caller, holderOf(wanted))
      const hash = password === undefined ? undefined : await hashPassword(password, passwordCost)
      // After the hash, which takes a while: who they are by now is what counts.
      const known = await getBelow(caller, id)
      const passwordHash = hash ?? known?.passwordHash
      if (passwordHash === undefined) {
        throw invalid([{ field: 'password', message: 'needed for a new user' }])
      }
      const outcome = await store.users.put({ id, ...wanted, disabled, passwordHash }, clock.now())
      const newPassword = hash !== undefined
      const ended = disabled || newPassword ? await store.sessions.deleteOfUser(id) : 0
      const fields = { user: id, ...wanted, disabled, newPassword, ended, askedBy: caller.name }
      log.info('user.changed', fields)
      return outcome
    },

    async delete(id, caller) {
      await getBelow(caller, id)
      return store.users.delete(id)
    },
  }
}
