/**
 * What every room shares: errors, reasons, the log, the clock, secrets that do not print, endpoints,
 * references, deadlines, turns, metrics, a listener's places and its lines about strangers, which text can be
 * shown to a user, directories, words for what is wrong with values and files, the portal's session cookie and which
 * requests are of a page of ours. It knows nothing of tokens, packets or processes, and imports no other room.
 */
export { Allowance } from './allowance.ts'
export { type Clock, monotonicClock, nowSeconds, systemClock } from './clock.ts'
export { withDeadline } from './deadline.ts'
export { makeDirectory } from './directories.ts'
export { type Endpoint, formatEndpoint, normalizeHost, parseEndpoint } from './endpoint.ts'
export { BrokerError, ConfigError, type ErrorCode, ProtocolError, Refusal } from './errors.ts'
export { faultWords, needWords } from './fault-words.ts'
export { fileProblem } from './file-problem.ts'
export { escapeHtml } from './html.ts'
export {
  createLog,
  errorText,
  type Log,
  type LogFields,
  type LogOptions,
  silentLog,
} from './log.ts'
export { type ObserveLine, tapLog } from './log-tap.ts'
export { type CertificateEnd, type Count, Metrics } from './metrics.ts'
export { assertOwnOrigin } from './origin.ts'
export { type Placed, Places } from './places.ts'
export { plural } from './plural.ts'
export { REASONS, type Reason } from './reasons.ts'
export { createReference, parseReference } from './reference.ts'
export { Secret } from './secret.ts'
export { connectionName, limitConnections, limitHttpConnections } from './server-places.ts'
export { readCookie, readSessionCookie, SESSION_COOKIE } from './session-cookie.ts'
export { MAX_LOGGED_PATH, STRANGERS_REQUESTS, strangerLevel } from './stranger-lines.ts'
export { Turns } from './turns.ts'
export { isUntrusted } from './untrusted.ts'
export { isUserText, MAX_USER_TEXT_CHARACTERS } from './user-text.ts'
export { createUuid } from './uuid.ts'
