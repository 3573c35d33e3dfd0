import { createHmac, randomBytes } from 'node:crypto'
import { type Clock, Secret } from '../lib/index.ts'
import type { PortalSession, Store, User } from '../store/index.ts'
import { secretSha256 } from './api-keys.ts'
import type { Session } from './portal-services.ts'

const TOKEN_BYTES = 32
/** A session ends this long after its last request… */
export const SESSION_IDLE_MS = 30 * 60_000
/** …and at the latest this long after sign-in. */
export const SESSION_LIFE_MS = 8 * 60 * 60_000
/** Writing the last use at every request would make every page view a disk write. */
const TOUCH_EVERY_MS = 60_000

export interface PortalSessions {
  /** Undefined when the user has gone meanwhile, may not sign in any more, or has another password. */
  open(
    user: Pick<User, 'id' | 'passwordHash'>,
  ): Promise<{ sessionToken: Secret; session: Session } | undefined>
  /** Keeps it alive. */
  read(sessionToken: Secret): Promise<Session | undefined>
  /** The same without keeping it alive. */
  peek(sessionToken: Secret): Promise<Session | undefined>
  /** @returns whose session it was; undefined for an unknown one */
  close(sessionToken: Secret): Promise<string | undefined>
}

/** Sessions live in the store, so that they survive a restart; it knows only their tokens' hashes. */
export function createPortalSessions(store: Store, clock: Clock): PortalSessions {
  /** User and tenant are read anew each time: what changes there holds at the next request. */
  async function describe(
    userId: string,
    sessionToken: Secret,
    expiresAtMs: number,
  ): Promise<Session | undefined> {
    const user = await store.users.get(userId)
    if (user === undefined || user.disabled) return undefined
    const tenant = user.tenant === undefined ? undefined : await store.tenants.get(user.tenant)
    return {
      user: user.id,
      roles: user.roles,
      csrfToken: csrfTokenOf(sessionToken),
      expiresAt: new Date(expiresAtMs),
      ...(tenant === undefined ? {} : { tenant }),
    }
  }

  async function find(sessionToken: Secret): Promise<PortalSession | undefined> {
    const tokenSha256 = secretSha256(sessionToken)
    const found = await store.sessions.get(tokenSha256)
    if (found === undefined) return undefined
    const nowMs = clock.now()
    const isOver = nowMs >= found.expiresAtMs || nowMs - found.lastSeenAtMs >= SESSION_IDLE_MS
    if (!isOver) return found
    await store.sessions.delete(tokenSha256)
    return undefined
  }

  return {
    async open({ id: user, passwordHash }) {
      const sessionToken = new Secret(randomBytes(TOKEN_BYTES).toString('base64url'))
      const nowMs = clock.now()
      const expiresAtMs = nowMs + SESSION_LIFE_MS
      const session = await describe(user, sessionToken, expiresAtMs)
      if (session === undefined) return undefined
      const stored = {
        ...{ tokenSha256: secretSha256(sessionToken), user },
        ...{ createdAtMs: nowMs, lastSeenAtMs: nowMs, expiresAtMs },
      }
      const isKept = await store.sessions.insert(stored, passwordHash)
      return isKept ? { sessionToken, session } : undefined
    },

    async read(sessionToken) {
      const found = await find(sessionToken)
      if (found === undefined) return undefined
      const nowMs = clock.now()
      if (nowMs - found.lastSeenAtMs >= TOUCH_EVERY_MS) {
        await store.sessions.touch(found.tokenSha256, nowMs)
      }
      return describe(found.user, sessionToken, found.expiresAtMs)
    },

    async peek(sessionToken) {
      const found = await find(sessionToken)
      return found && describe(found.user, sessionToken, found.expiresAtMs)
    },

    async close(sessionToken) {
      const tokenSha256 = secretSha256(sessionToken)
      const found = await store.sessions.get(tokenSha256)
      if (found !== undefined) await store.sessions.delete(tokenSha256)
      return found?.user
    },
  }
}

/** Derived, so that nothing more has to be kept: who has the session token needs no forgery. */
function csrfTokenOf(sessionToken: Secret): string {
  return createHmac('sha256', sessionToken.reveal()).update('portcullis csrf').digest('base64url')
}
