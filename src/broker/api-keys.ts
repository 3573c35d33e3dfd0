import { createHash, randomBytes } from 'node:crypto'
import { BrokerError, type Clock, Secret } from '../lib/index.ts'
import type { ApiKey, Store } from '../store/index.ts'
import { recordAlone } from './audit/audit.ts'
import { ALL_RIGHTS } from './rights.ts'

const KEY_BYTES = 32
/** `pck_<id>_<32 random bytes, base64url>`. */
const FORMAT = /^pck_([a-z0-9]{1,32})_[A-Za-z0-9_-]{43}$/

/** A new API key; its text is shown once and kept by nobody here. */
export function createApiKey(id: string): Secret {
  return new Secret(`pck_${id}_${randomBytes(KEY_BYTES).toString('base64url')}`)
}

/**
 * Makes the very first API key of a store, which may do everything: whoever can open the store's file may.
 *
 * @returns undefined when there is, or ever was, another key
 * @throws BrokerError `ERR_USAGE` for an id that no key can carry
 */
export async function createFirstApiKey(
  broker: { store: Pick<Store, 'keys' | 'audit'>; brokerName: string; clock: Clock },
  id: string,
): Promise<Secret | undefined> {
  const { store, clock } = broker
  const key = createApiKey(id)
  if (apiKeyId(key) !== id) {
    throw new BrokerError('ERR_USAGE', `id: "${id}", need 1 to 32 lower-case letters and digits`)
  }
  const first = await store.keys.putFirst({
    id,
    label: 'first key',
    keySha256: secretSha256(key),
    roles: [...ALL_RIGHTS],
    tenants: [],
    createdAtMs: clock.now(),
  })
  if (!first) return undefined
  const subject = `/v1/keys/${id}`
  await recordAlone(broker, { actor: 'bootstrap', action: 'createKey', subject, outcome: 'done' })
  return key
}

/** Whether a key opens anything now. */
export function isValid(key: ApiKey | undefined, nowMs: number): boolean {
  if (key === undefined || key.revokedAtMs !== undefined) return false
  return nowMs < (key.expiresAtMs ?? Infinity)
}

/** The id inside a key's text; undefined when the text is no key. */
export function apiKeyId(key: Secret): string | undefined {
  return FORMAT.exec(key.reveal())?.[1]
}

/**
 * SHA-256 of a key or session token, lower-case hex: what the store keeps. No salt and no slow
 * hash, since 32 random bytes cannot be guessed; looking the hash up leaks nothing of the secret.
 */
export function secretSha256(secret: Secret): string {
  return createHash('sha256').update(secret.reveal()).digest('hex')
}
