import { errorText } from '../lib/index.ts'
import { claimIssues } from './claims.ts'
import { decodeCompactJws, decodeJson } from './compact-jws.ts'
import { decodeFedAuthToken, looksLikeFedAuth, parseFedAuthClaims } from './fedauth-token.ts'
import { GATEWAY_TOKEN } from './gateway-token.ts'
import { HOST_TOKEN } from './host-token.ts'

export interface InspectedToken {
  /** Absent when that part can't be decoded. */
  header?: unknown
  claims?: unknown
  /** Everything that a verifier would object to without keys and a clock. */
  issues: string[]
}

/** Decodes a token of any format for a person to read. It verifies nothing and never throws. */
export function inspectToken(text: string): InspectedToken {
  return looksLikeFedAuth(text) ? inspectFedAuth(text) : inspectJws(text)
}

/** Taken for a gateway token unless it says that it is one for a host. */
function inspectJws(text: string): InspectedToken {
  const [headerPart = '', claimsPart = ''] = text.split('.')
  const { attempt, issues } = collectIssues()
  const header = attempt(() => decodeJson('header', headerPart))
  const claims = attempt(() => decodeJson('payload', claimsPart))
  const isForHost =
    typeof header === 'object' &&
    header !== null &&
    'typ' in header &&
    header.typ === HOST_TOKEN.typ
  const format = isForHost ? HOST_TOKEN : GATEWAY_TOKEN
  attempt(() => decodeCompactJws(text, format.typ))
  if (claims !== undefined) issues.push(...claimIssues(format.claims, claims))
  return inspected(header, claims, issues)
}

/** Header and claims in the words that they have in the token. */
function inspectFedAuth(text: string): InspectedToken {
  const { attempt, issues } = collectIssues()
  const parts = attempt(() => decodeFedAuthToken(text))
  const claims = parts && attempt(() => parseFedAuthClaims(parts.signedText))
  const header = parts && { typ: 'FedAuth', alg: parts.hash, x5t: parts.sha1Thumbprint }
  return inspected(header, claims, issues)
}

function collectIssues(): { issues: string[]; attempt<T>(decode: () => T): T | undefined } {
  const issues: string[] = []
  return {
    issues,
    attempt(decode) {
      try {
        return decode()
      } catch (error) {
        issues.push(errorText(error))
        return undefined
      }
    },
  }
}

function inspected(header: unknown, claims: unknown, issues: string[]): InspectedToken {
  return {
    ...(header === undefined ? {} : { header }),
    ...(claims === undefined ? {} : { claims }),
    issues: [...new Set(issues)],
  }
}
