import { errorText } from '../lib/index.ts'
import { gatewayClaimIssues } from './claims.ts'
import { decodeCompactJws, decodeJson } from './compact-jws.ts'

export interface InspectedToken {
  /** Absent when that part can't be decoded. */
  header?: unknown
  claims?: unknown
  /** Everything that a verifier would object to without keys and a clock. */
  issues: string[]
}

/** Decodes a gateway token for a person to read. It verifies nothing and never throws. */
export function inspectToken(text: string): InspectedToken {
  const [headerPart = '', claimsPart = ''] = text.split('.')
  const issues: string[] = []
  const attempt = <T>(decode: () => T): T | undefined => {
    try {
      return decode()
    } catch (error) {
      issues.push(errorText(error))
      return undefined
    }
  }
  const header = attempt(() => decodeJson('header', headerPart))
  const claims = attempt(() => decodeJson('payload', claimsPart))
  attempt(() => decodeCompactJws(text))
  if (claims !== undefined) issues.push(...gatewayClaimIssues(claims))
  return {
    ...(header === undefined ? {} : { header }),
    ...(claims === undefined ? {} : { claims }),
    issues: [...new Set(issues)],
  }
}
