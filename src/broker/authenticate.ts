import { type Clock, Secret } from '../lib/index.ts'
import type { ApiKey, Store } from '../store/index.ts'
import { apiKeyId, isValid, secretSha256 } from './api-keys.ts'
import { addressKey, createAttemptLimit } from './attempt-limit.ts'
import { ApiError } from './errors.ts'
import type { Session } from './portal-services.ts'
import type { PortalSessions } from './portal-sessions.ts'
import { type Caller, holderOf } from './rights.ts'

/** Wrong keys per address and minute: enough for a misconfigured panel to be noticed. */
const FAILURES_PER_MINUTE = 30
/** Writing the last use at every request would make every read a disk write. */
const TOUCH_EVERY_MS = 60_000

const NEEDED = 'This takes a valid API key as bearer token, or a session of the portal.'
const EXPIRED = 'This API key has expired.'
const ENDED = 'This session has ended: sign in at the portal again.'

/** What a request carries of who sends it. */
export interface Credentials {
  /** The header of that name; with it, a cookie is not looked at. */
  authorization: string | undefined
  /** The portal's session, from its cookie. */
  sessionToken: Secret | undefined
}

export interface Authenticator {
  /**
   * Who sends a request. A right key or session works even from an address that is limited for wrong ones, so that nobody
   * can lock a panel out from beside it.
   *
   * @throws ApiError `unauthorized`, or `rate-limited` with `Retry-After`
   */
  authenticate(credentials: Credentials, remoteAddress: string): Promise<Caller>
  /** Who would send it now, which is no use of the key or session; undefined: nobody any more. */
  recognize(credentials: Credentials): Promise<Caller | undefined>
}

export interface AuthenticatorOptions {
  store: Pick<Store, 'keys'>
  sessions: Pick<PortalSessions, 'read' | 'peek'>
  clock: Clock
}

/** Finds the caller by the hash of its bearer key (RFC 6750 section 2.1), or by its session of the portal. */
export function createAuthenticator({
  store,
  sessions,
  clock,
}: AuthenticatorOptions): Authenticator {
  const failures = createAttemptLimit(FAILURES_PER_MINUTE, 60)

  /** It may have expired. */
  async function findKey(authorization: string): Promise<ApiKey | undefined> {
    const key = bearerKey(authorization)
    return key && store.keys.findBySha256(secretSha256(key))
  }

  /** The caller, or what is said in its place: who has a key's text may know what became of it. */
  async function useKey(authorization: string): Promise<Caller | string> {
    const known = await findKey(authorization)
    if (known === undefined) return NEEDED
    const nowMs = clock.now()
    if (!isValid(known, nowMs)) return EXPIRED
    const { id, lastUsedAtMs = -Infinity } = known
    if (nowMs - lastUsedAtMs >= TOUCH_EVERY_MS) await store.keys.touch(id, nowMs)
    return ofKey(known)
  }

  async function useSession(sessionToken: Secret): Promise<Caller | string> {
    const session = await sessions.read(sessionToken)
    return session === undefined ? ENDED : ofSession(session)
  }

  async function use({ authorization, sessionToken }: Credentials): Promise<Caller | string> {
    if (authorization !== undefined) return useKey(authorization)
    return sessionToken === undefined ? NEEDED : useSession(sessionToken)
  }

  return {
    async authenticate(credentials, remoteAddress) {
      const caller = await use(credentials)
      if (typeof caller !== 'string') return caller
      const retryAfterSeconds = await failures.take(addressKey(remoteAddress))
      if (retryAfterSeconds !== undefined) {
        throw new ApiError('rate-limited', 'Too many requests with a wrong key or session.', {
          retryAfterSeconds,
        })
      }
      throw new ApiError('unauthorized', caller, {
        headers: { 'WWW-Authenticate': 'Bearer realm="portcullis"' },
      })
    },

    async recognize({ authorization, sessionToken }) {
      if (authorization !== undefined) {
        const known = await findKey(authorization)
        return known !== undefined && isValid(known, clock.now()) ? ofKey(known) : undefined
      }
      const session = sessionToken && (await sessions.peek(sessionToken))
      return session && ofSession(session)
    },
  }
}

function ofKey({ id, roles, tenants }: ApiKey): Caller {
  return { name: `key:${id}`, roles, tenants }
}

function ofSession({ user, tenant, roles }: Session): Caller {
  return { name: `user:${user}`, user, ...holderOf({ tenant: tenant?.id, roles }) }
}

function bearerKey(authorization: string): Secret | undefined {
  const text = /^Bearer +(\S+) *$/i.exec(authorization)?.[1]
  if (text === undefined) return undefined
  const key = new Secret(text)
  return apiKeyId(key) === undefined ? undefined : key
}
