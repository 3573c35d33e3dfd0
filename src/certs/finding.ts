/** What a check of a certificate can find; scripts rely on the words. */
export type FindingCode =
  | 'not-readable'
  | 'key-missing'
  | 'key-mismatch'
  | 'key-weak'
  | 'key-unusable'
  | 'hash-weak'
  | 'usage-missing'
  | 'is-authority'
  | 'is-no-authority'
  | 'name-missing'
  | 'identity-missing'
  | 'not-yet-valid'
  | 'expired'
  | 'expires-soon'
  | 'validity-long'
  | 'chain-incomplete'
  | 'chain-unchecked'
  | 'self-signed'
  | 'development'
  | 'file-mode'
  | 'file-owner'

/** One thing that is wrong, and the one thing to do about it. */
export interface Finding {
  code: FindingCode
  /** An error would fail now or soon, or gives a key away; a warning is for a person to weigh. */
  severity: 'error' | 'warning'
  /** With both values: `key: need at least 2048 bits, have 1024`. */
  message: string
  fix: string
}

export function fault(code: FindingCode, message: string, fix: string): Finding {
  return { code, severity: 'error', message, fix }
}

export function warning(code: FindingCode, message: string, fix: string): Finding {
  return { code, severity: 'warning', message, fix }
}
