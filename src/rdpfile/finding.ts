import type { RdpVerdict } from './verify.ts'

/** What a check of an `.rdp` file can find; scripts rely on the words. */
export type RdpFindingCode =
  | 'encoding'
  | 'line-end'
  | 'not-readable'
  | 'duplicate'
  | 'address-missing'
  | 'address-differs'
  | 'gateway-missing'
  | 'gateway-optional'
  | 'token-missing'
  | 'token-unused'
  | 'token-long'
  | 'credentials'
  | 'server-unchecked'
  | 'other-program'
  | 'redirection-on'
  | 'not-explicit'
  | Exclude<RdpVerdict, 'valid'>

/** One thing that is wrong with a file, and the one thing to do about it. */
export interface RdpFinding {
  code: RdpFindingCode
  /** With an error a client refuses the file, or opens something else than was meant; a warning is for a person to weigh. */
  severity: 'error' | 'warning'
  /** Which setting; absent when it is about the whole file. */
  setting?: string
  /** From 1; absent when it is about no single line. */
  line?: number
  /** Never with a token. */
  message: string
  fix: string
}

export function fault(finding: Omit<RdpFinding, 'severity'>): RdpFinding {
  return { severity: 'error', ...finding }
}

export function warning(finding: Omit<RdpFinding, 'severity'>): RdpFinding {
  return { severity: 'warning', ...finding }
}
