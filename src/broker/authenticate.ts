import { type Clock, Secret } from '../lib/index.ts'
import type { Store } from '../store/index.ts'
import { apiKeyId, isValid, secretSha256 } from './api-keys.ts'
import { addressKey, createAttemptLimit } from './attempt-limit.ts'
import { ApiError } from './errors.ts'
import type { Caller } from './rights.ts'

/** Wrong keys per address and minute: enough for a misconfigured panel to be noticed. */
const FAILURES_PER_MINUTE = 30
/** Writing the last use at every request would make every read a disk write. */
const TOUCH_EVERY_MS = 60_000

const EXPIRED = 'This API key has expired.'

export type Authenticate = (
  authorization: string | undefined,
  remoteAddress: string,
) => Promise<Caller>

/**
 * Finds the caller by the hash of its bearer key (RFC 6750 section 2.1). A right key works even from
 * an address that is limited for wrong ones, so that nobody can lock a panel out from beside it.
 *
 * @throws ApiError `unauthorized`, or `rate-limited` with `Retry-After`
 */
export function createAuthenticate(store: Pick<Store, 'keys'>, clock: Clock): Authenticate {
  const failures = createAttemptLimit(FAILURES_PER_MINUTE, 60)

  return async (authorization, remoteAddress) => {
    const key = bearerKey(authorization)
    const known = key && (await store.keys.findBySha256(secretSha256(key)))
    const nowMs = clock.now()
    if (known !== undefined && isValid(known, nowMs)) {
      const { id: keyId, roles, tenants, lastUsedAtMs = -Infinity } = known
      if (nowMs - lastUsedAtMs >= TOUCH_EVERY_MS) await store.keys.touch(keyId, nowMs)
      return { keyId, roles, tenants }
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
  }
}

function bearerKey(authorization: string | undefined): Secret | undefined {
  const text = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
  if (text === undefined) return undefined
  const key = new Secret(text)
  return apiKeyId(key) === undefined ? undefined : key
}
