import { type EffectivePolicy, type PolicyName, redirectionFlags } from '../policy/index.ts'
import type { GatewayClaims } from '../tokens/index.ts'
import { ApiError } from './errors.ts'
import type { TokenFormat } from './gateway-tokens.ts'

/** What a request for a console may choose, as far as policy lets it. */
export interface WantedTerms {
  ttlSeconds?: number
  /** Nobody asked for it: the nearest that policy allows, in place of a shorter usual life. */
  preferredTtlSeconds?: number
  tokenFormat?: TokenFormat
}

/** What one console is given: policy, and the request within it. */
export interface ConsoleTerms {
  tokenFormat: TokenFormat
  lifetimeSeconds: number
  /** A token that would have to live shorter is not minted. */
  minLifetimeSeconds: number
  /** Claims that hold the session within policy; absent: no limit. */
  limits: Pick<GatewayClaims, 'idl' | 'max' | 'rcw' | 'rdr'>
}

/** @throws ApiError `policy-denied` naming the field, what is wanted and what is allowed */
export function termsOf(policy: EffectivePolicy, wanted: WantedTerms): ConsoleTerms {
  const tokenFormat = chooseFormat(policy, wanted.tokenFormat)
  if (tokenFormat === 'fedauth') refuseUnsaid(policy)
  const { reconnectWindowSeconds, idleLimitMinutes, sessionLimitSeconds, redirect } = policy
  return {
    tokenFormat,
    lifetimeSeconds: chooseLifetime(policy, wanted),
    minLifetimeSeconds: policy.ttlMinSeconds.value,
    limits: {
      rdr: redirectionFlags(redirect.value),
      ...(idleLimitMinutes.value === 0 ? {} : { idl: idleLimitMinutes.value }),
      ...(sessionLimitSeconds.value === 0 ? {} : { max: sessionLimitSeconds.value }),
      ...(reconnectWindowSeconds.value === 0 ? {} : { rcw: reconnectWindowSeconds.value }),
    },
  }
}

/** How long a token lives when nobody names a time but `preferred` would do well. */
export function preferredLifetime(
  { ttlMinSeconds: min, ttlSeconds: usual, ttlMaxSeconds: max }: EffectivePolicy,
  preferred: number,
): number {
  if (usual.locked) return usual.value
  return Math.min(Math.max(preferred, usual.value, min.value), max.value)
}

function chooseLifetime(
  policy: EffectivePolicy,
  { ttlSeconds: wanted, preferredTtlSeconds = 0 }: WantedTerms,
): number {
  if (wanted === undefined) return preferredLifetime(policy, preferredTtlSeconds)
  const { ttlMinSeconds: min, ttlSeconds: usual, ttlMaxSeconds: max } = policy
  if (usual.locked && wanted !== usual.value) {
    throw denied('ttlSeconds', `need ${usual.value}, enforced by ${usual.source}, have ${wanted}`)
  }
  if (wanted >= min.value && wanted <= max.value) return wanted
  throw denied('ttlSeconds', `need ${min.value} to ${max.value} seconds, have ${wanted}`)
}

function chooseFormat({ tokenFormat }: EffectivePolicy, wanted = tokenFormat.value): TokenFormat {
  const { value, source, locked } = tokenFormat
  if (!locked || wanted === value) return wanted
  throw denied('tokenFormat', `need ${value}, enforced by ${source}, have ${wanted}`)
}

/** Limits that a node knows from the token alone, and that a FedAuth token has no words for; brokers know whose it is. */
const UNSAID: readonly PolicyName[] = ['idleLimitMinutes', 'sessionLimitSeconds']

function refuseUnsaid(policy: EffectivePolicy): void {
  for (const name of UNSAID) {
    const { value, source } = policy[name]
    if (value === 0) continue
    throw denied('tokenFormat', `a FedAuth token cannot keep ${name}, ${value} by ${source}`)
  }
}

function denied(field: string, message: string): ApiError {
  return new ApiError('policy-denied', `${field}: ${message}.`, { errors: [{ field, message }] })
}
