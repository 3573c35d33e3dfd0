import { type Clock, Secret } from '../lib/index.ts'
import type { ApiKey, Store } from '../store/index.ts'
import { apiKeyId, isValid, secretSha256 } from './api-keys.ts'
import { addressKey, createAttemptLimit } from './attempt-limit.ts'
import { ApiError } from './errors.ts'
import type { Caller } from './rights.ts'

/** Wrong keys per address and minute: enough for a misconfigured panel to be noticed. */
const FAILURES_PER_MINUTE = 30
/** Writing the last use at every request would make every read a disk write. */
const TOUCH_EVERY_MS = 60_000

const EXPIRED = 'This API key has expired.'

/** What a request carries of who sends it. */
export interface Credentials {
  /** The header of that name. */
  authorization: string | undefined
}

export interface Authenticator {
  /**
   * Who sends a request. A right key works even from an address that is limited for wrong ones, so that nobody can lock a
   * panel out from beside it.
   *
   * @throws ApiError `unauthorized`, or `rate-limited` with `Retry-After`
   */
  authenticate(credentials: Credentials, remoteAddress: string): Promise<Caller>
  /** Who would send it now, which is no use of the key; undefined: nobody any more. */
  recognize(credentials: Credentials): Promise<Caller | undefined>
}

/** Finds the caller by the hash of its bearer key (RFC 6750 section 2.1). */
export function createAuthenticator(store: Pick<Store, 'keys'>, clock: Clock): Authenticator {
  const failures = createAttemptLimit(FAILURES_PER_MINUTE, 60)

  /** It may have expired. */
  async function findKey({ authorization }: Credentials): Promise<ApiKey | undefined> {
    const key = bearerKey(authorization)
    return key && store.keys.findBySha256(secretSha256(key))
  }

  return {
    async authenticate(credentials, remoteAddress) {
      const known = await findKey(credentials)
      const nowMs = clock.now()
      if (known !== undefined && isValid(known, nowMs)) {
        const { id, lastUsedAtMs = -Infinity } = known
        if (nowMs - lastUsedAtMs >= TOUCH_EVERY_MS) await store.keys.touch(id, nowMs)
        return toCaller(known)
      }

      const retryAfterSeconds = await failures.take(addressKey(remoteAddress))
      if (retryAfterSeconds !== undefined) {
        throw new ApiError('rate-limited', 'Too many requests with a wrong API key.', {
          headers: { 'Retry-After': String(retryAfterSeconds) },
        })
      }
      // Who has the key's text may know what became of it.
      const detail = known === undefined ? 'A valid API key is needed as bearer token.' : EXPIRED
      throw new ApiError('unauthorized', detail, {
        headers: { 'WWW-Authenticate': 'Bearer realm="portcullis"' },
      })
    },

    async recognize(credentials) {
      const known = await findKey(credentials)
      return known !== undefined && isValid(known, clock.now()) ? toCaller(known) : undefined
    },
  }
}

function toCaller({ id, roles, tenants }: ApiKey): Caller {
  return { name: `key:${id}`, roles, tenants }
}

function bearerKey(authorization: string | undefined): Secret | undefined {
  const text = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
  if (text === undefined) return undefined
  const key = new Secret(text)
  return apiKeyId(key) === undefined ? undefined : key
}
